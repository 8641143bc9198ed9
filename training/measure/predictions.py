"""Predictions of exported models: a cache of each net's log-odds and maps, and ``predictions.csv`` of a model folder.

``python -m training evaluate`` writes the file; metrics and comparisons are computed from it and run no model.
"""

import csv
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
from datasets import Dataset, Image

from overread.classifier import BATCH_SIZE, Classifier
from overread.ensemble import combine
from overread.errors import ModelFolderError
from overread.evidence import Evidence, average
from overread.flips import AS_IT_IS
from overread.model_folder import EnsembleSettings
from overread.net import Net
from overread.probability import sigmoid
from training.data.validation_set import batches

Part = Literal["validation", "corrupted", "test", "external", "half films"]  # corrupted: the validation images

PREDICTIONS_FILE = "predictions.csv"
COLUMNS = ("split", "row", "label", "log_odds")
CACHE_FOLDER = "predictions"


@dataclass(frozen=True, eq=False)
class Predictions:
    """A model's calibrated log-odds of the finding on labelled images.

    Attributes:
        labels: (N,) int64, 1 = the finding.
        log_odds: (N,) float64.
    """

    labels: npt.NDArray[np.int64]
    log_odds: npt.NDArray[np.float64]

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """(N,) float64, calibrated, of the finding."""
        return sigmoid(self.log_odds)


class Predictor:
    """An exported model that predicts whole data sets; every net's output is cached for the ensembles it is in."""

    def __init__(self, folder: Path, runs: Path) -> None:
        """Load a model folder, and an ensemble's members from the folders beside it.

        Args:
            folder: the model folder.
            runs: holds the cache, ``<runs>/predictions``.

        Raises:
            ModelFolderError: if the folder is incomplete, or a member is not the one that the ensemble was built from.
        """
        self.classifier = Classifier(folder)
        self._settings = self.classifier.config.ensemble
        members = self._settings.members if self._settings else ()
        self._members = [Classifier(folder.parent / name) for name in members]
        self._runs = runs

    @property
    def input_sizes(self) -> set[tuple[int, int]]:
        """Width and height (px) that images are resized to, of each net."""
        nets = self._members or [self.classifier]
        return {(net.config.preprocessing.width, net.config.preprocessing.height) for net in nets}

    def predictions(self, dataset: Dataset, part: Part) -> Predictions:
        """Return the predictions for every row of a data set with columns ``image`` and ``labels``."""
        return Predictions(np.asarray(dataset["labels"], np.int64), self.evidence(dataset, part).log_odds)

    def evidence(self, dataset: Dataset, part: Part, interpolation: str | None = None) -> Evidence:
        """Return log-odds, (N,), and maps, (N, h, w), for every row of a data set.

        Args:
            dataset: with columns ``image`` and ``labels``.
            part: which images.
            interpolation: the filter that resizes them (default: the model's own).
        """
        if self._settings:
            return ensemble_evidence(self._members, self._settings, dataset, part, self._runs, interpolation)
        return net_evidence(self.classifier, AS_IT_IS, dataset, part, self._runs, interpolation)


def ensemble_evidence(
    members: Sequence[Classifier],
    settings: EnsembleSettings,
    dataset: Dataset,
    part: Part,
    runs: Path,
    interpolation: str | None = None,
) -> Evidence:
    """Return the evidence of an ensemble's nets, (N,) and (N, h, w), combined as ``settings`` say.

    Args:
        members: loaded, in the order of ``settings.members``.
        settings: of the ensemble.
        dataset: with columns ``image`` and ``labels``.
        part: which images; "corrupted" ones are corrupted first, see ``training.data.corruption``.
        runs: holds the cache.
        interpolation: the filter that resizes images (default: each member's own).
    """
    parts = [
        average([net_evidence(member, view, dataset, part, runs, interpolation) for view in settings.views])
        for member in members
    ]
    return combine(parts, settings)


def net_evidence(
    classifier: Classifier, view: str, dataset: Dataset, part: Part, runs: Path, interpolation: str | None = None
) -> Evidence:
    """Return one net's evidence on one view of every image, cached; arguments as for ``ensemble_evidence``."""
    own = classifier.config.preprocessing
    preprocessing = replace(own, interpolation=interpolation or own.interpolation)
    key = (classifier.identity.sha256, preprocessing, view, part, _digest_of_images(dataset))
    file = runs / CACHE_FOLDER / f"{hashlib.sha256(repr(key).encode()).hexdigest()}.npz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        net = Net(classifier.net.session, preprocessing)
        found = [net.evidence(batch, (view,)) for batch in batches(dataset, BATCH_SIZE, part, part == "corrupted")]
        log_odds, heatmap = (
            np.concatenate([getattr(batch, name) for batch in found]) for name in ("log_odds", "heatmap")
        )
        new = file.with_suffix(f".{os.getpid()}.npz")
        np.savez(new, log_odds=log_odds, heatmap=heatmap)
        new.replace(file)  # in one step, so that another process never reads half of it
    with np.load(file) as cached:
        return Evidence(cached["log_odds"], cached["heatmap"], preprocess_ms=0.0, inference_ms=0.0)


def _digest_of_images(dataset: Dataset) -> str:
    """Return the SHA-256 of all images as they are stored."""
    digest = hashlib.sha256()
    for stored in dataset.cast_column("image", Image(decode=False))["image"]:
        digest.update(stored["bytes"] or Path(stored["path"]).read_bytes())
    return digest.hexdigest()


def write_predictions(folder: Path, parts: Mapping[Part, Predictions]) -> Path:
    """Return ``predictions.csv`` of a model folder, one line per image; floats are written so that they read back."""
    file = folder / PREDICTIONS_FILE
    with file.open("w", newline="", encoding="utf-8") as opened:
        table = csv.writer(opened, lineterminator="\n")
        table.writerow(COLUMNS)
        for part, made in parts.items():
            table.writerows(
                (part, row, int(label), repr(float(log_odds)))
                for row, (label, log_odds) in enumerate(zip(made.labels, made.log_odds, strict=True))
            )
    return file


def read_predictions(folder: Path) -> dict[Part, Predictions]:
    """Return the predictions in a model folder by part.

    Raises:
        ModelFolderError: if the file is missing or is not a table of predictions.
    """
    file = folder / PREDICTIONS_FILE
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            rows = list(csv.DictReader(opened))
        found: dict[Part, list[tuple[int, float]]] = {}
        for row in rows:
            found.setdefault(cast(Part, row["split"]), []).append((int(row["label"]), float(row["log_odds"])))
    except (OSError, KeyError, ValueError) as error:
        raise ModelFolderError(
            f"{folder.name}/{PREDICTIONS_FILE} cannot be read ({error!r}): `python -m training evaluate` writes it."
        ) from error
    return {
        part: Predictions(np.array([label for label, _ in pairs], np.int64), np.array([value for _, value in pairs]))
        for part, pairs in found.items()
    }
