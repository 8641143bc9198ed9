"""What a finished model's heat map is worth: the pointing game, and deletion and insertion of what it marks."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from PIL import Image
from transformers import TimmWrapperForImageClassification

from overread.classifier import Classifier
from overread.evidence import mean_map
from training.measure.calibration import sigmoid
from training.measure.perturbation import perturbation_curves
from training.measure.pointing_game import (
    MapOf,
    PointingGame,
    gradcam_default_map,
    maps_of,
    mean_over_views,
    mosaics,
    our_map,
    pointing_game,
    surest,
)
from training.methods.gradcam import HeatmapClassifier
from training.recipes.nets import Recipe

PEER = "pytorch_grad_cam"
BATCH_SIZE = 2  # mosaics are large

Floats = npt.NDArray[np.floating]


def torch_net(folder: Path) -> HeatmapClassifier:
    """Return a model folder's net in torch, for maps of pictures larger than the ONNX file takes.

    Raises:
        OSError: if the folder has no ``model.safetensors``.
    """
    wrapper = TimmWrapperForImageClassification.from_pretrained(folder).float().eval()
    return HeatmapClassifier(wrapper.timm_model)


def play_pointing_game(
    members: Sequence[Recipe],
    views: Sequence[str],
    weights: Path,
    dataset: Dataset,
    log_odds: Floats,
    count: int,
    with_peer: bool,
) -> dict[str, Any]:
    """Return the grid pointing game's scores on a split.

    ``any`` is our map's on pictures drawn from all, ``surest`` on those that the model is right and surest about, and
    ``pytorch_grad_cam``, asked for by ``with_peer``, that library's default map on the latter.

    Args:
        members: one net, or an ensemble's.
        views: what each member is shown of a mosaic, see ``overread.views``.
        weights: where the model folders are.
        dataset: the split.
        log_odds: (N,) what the model says of its rows.
        count: number of mosaics.
        with_peer: play with the peer's map as well; one net only.
    """
    rows = surest(log_odds, np.asarray(dataset["labels"]), count, 3 * count)
    sure = dataset.select(rows)
    nets = [torch_net(weights / member.name) for member in members]
    ours = [mean_over_views(our_map(net), views) for net in nets]
    games = {"any": _play(members, ours, dataset, count), "surest": _play(members, ours, sure, count)}
    if with_peer:
        games[PEER] = _play(members, [gradcam_default_map(net.net) for net in nets], sure, count)
    return {name: asdict(game) for name, game in games.items()}


def _play(members: Sequence[Recipe], maps: Sequence[MapOf], dataset: Dataset, count: int) -> PointingGame:
    pictures, labels = [image.convert("RGB") for image in dataset["image"]], np.asarray(dataset["labels"])
    shown = []
    for member, map_of in zip(members, maps, strict=True):
        made = mosaics(member.preprocessing()(pictures), labels, count)
        shown.append(maps_of(made, map_of, BATCH_SIZE))
    return pointing_game(mean_map(shown), made.quadrants)


def delete_and_insert(classifier: Classifier, dataset: Dataset, count: int, seed: int = 2026) -> dict[str, Any]:
    """Return deletion and insertion curves of the shipped map on pictures with the finding, the same for all models."""
    positives = np.flatnonzero(np.asarray(dataset["labels"]) == 1)
    rows = np.random.default_rng(seed).choice(positives, min(count, len(positives)), replace=False)
    pictures = [image.convert("RGB") for image in dataset.select(sorted(rows))["image"]]
    heatmaps = [classifier.evidence([picture]).heatmap[0] for picture in pictures]

    def probability_of(versions: list[Image.Image]) -> Floats:
        return sigmoid(classifier.evidence(versions).log_odds)

    return asdict(perturbation_curves(pictures, heatmaps, probability_of, seed=seed))
