"""Measures an exported model's heat map: the grid pointing game, deletion and insertion."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from PIL import Image

from overread.classifier import Classifier
from overread.evidence import weighted_map
from overread.probability import sigmoid
from training.measure.perturbation import perturbation_curves
from training.measure.pointing_game import (
    PointingGame,
    heatmaps_of,
    image_grids,
    most_confident_correct,
    pointing_game,
)
from training.measure.torch_heatmaps import (
    HeatmapOf,
    load_torch_net,
    mean_over_views,
    own_heatmap,
    pytorch_grad_cam_heatmap,
)
from training.recipes.recipe import Recipe

PEER = "pytorch_grad_cam"
BATCH_SIZE = 2  # grids of images are large

Floats = npt.NDArray[np.floating]


def play_pointing_game(
    members: Sequence[Recipe],
    weights: Sequence[float],
    views: Sequence[str],
    models: Path,
    dataset: Dataset,
    log_odds: Floats,
    count: int,
    with_peer: bool,
) -> dict[str, Any]:
    """Return the pointing game's scores on a split, ready for JSON.

    ``any`` is the score on images drawn from all, ``surest`` on the most confident correct ones, and
    ``pytorch_grad_cam``, with ``with_peer`` only, that library's score on the latter.

    Args:
        members: one net, or an ensemble's.
        weights: one for each.
        views: that are averaged, see ``overread.flips``.
        models: the folder of model folders.
        dataset: the split.
        log_odds: (N,) of the model on its rows.
        count: number of grids.
        with_peer: score the peer's map as well; for one net only.
    """
    rows = most_confident_correct(log_odds, np.asarray(dataset["labels"]), count, 3 * count)
    confident = dataset.select(rows)
    nets = [load_torch_net(models / member.name) for member in members]
    own = [mean_over_views(own_heatmap(net), views) for net in nets]
    games = {
        "any": _play(members, weights, own, dataset, count),
        "surest": _play(members, weights, own, confident, count),
    }
    if with_peer:
        peer = [pytorch_grad_cam_heatmap(net.net) for net in nets]
        games[PEER] = _play(members, weights, peer, confident, count)
    return {name: asdict(game) for name, game in games.items()}


def _play(
    members: Sequence[Recipe],
    weights: Sequence[float],
    heatmap_of: Sequence[HeatmapOf],
    dataset: Dataset,
    count: int,
) -> PointingGame:
    images, labels = [image.convert("RGB") for image in dataset["image"]], np.asarray(dataset["labels"])
    heatmaps = []
    for member, member_heatmap_of in zip(members, heatmap_of, strict=True):
        grids = image_grids(member.preprocessing()(images), labels, count)
        heatmaps.append(heatmaps_of(grids, member_heatmap_of, BATCH_SIZE))
    return pointing_game(weighted_map(heatmaps, weights), grids.quadrants)


def delete_and_insert(classifier: Classifier, dataset: Dataset, count: int, seed: int = 2026) -> dict[str, Any]:
    """Return deletion and insertion curves of the exported heat map, on the same positive images for all models."""
    positives = np.flatnonzero(np.asarray(dataset["labels"]) == 1)
    rows = np.random.default_rng(seed).choice(positives, min(count, len(positives)), replace=False)
    images = [image.convert("RGB") for image in dataset.select(sorted(rows))["image"]]
    heatmaps = [classifier.evidence([image]).heatmap[0] for image in images]

    def probability_of(versions: list[Image.Image]) -> Floats:
        return sigmoid(classifier.evidence(versions).log_odds)

    return asdict(perturbation_curves(images, heatmaps, probability_of, seed=seed))
