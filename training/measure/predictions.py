"""Runs exported models over data sets, each picture once: what a net said is kept for every ensemble it is in."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from datasets import Dataset

from overread.classifier import BATCH_SIZE, Classifier
from overread.ensemble import combine
from overread.model_folder import EnsembleSettings
from overread.net import Evidence
from overread.views import AS_IT_IS
from training.data.validation_set import batches
from training.recipes.ensembles import EnsembleRecipe
from training.recipes.nets import Recipe

FOLDER = "evidence"

Floats = npt.NDArray[np.floating]


class Answers:
    """What one exported model says of data sets, read as the app reads it."""

    def __init__(self, recipe: Recipe | EnsembleRecipe, weights: Path, runs: Path) -> None:
        """Load the model.

        Args:
            recipe: of the exported model.
            weights: where the model folders are.
            runs: the folder for what is not kept for ever.

        Raises:
            ModelFolderError: if the folder is incomplete, or an ensemble's members are others by now.
        """
        self.classifier = Classifier(weights / recipe.name)
        members = recipe.members if isinstance(recipe, EnsembleRecipe) else ()
        self._members = [Classifier(weights / member) for member in members]
        self._runs = runs

    def log_odds(self, dataset: Dataset, title: str, damaged: bool = False) -> Floats:
        """Return (rows,) calibrated log-odds; arguments as for ``evidence_on``."""
        return evidence_on(self.classifier, self._members, dataset, title, self._runs, damaged).log_odds


def evidence_on(
    classifier: Classifier,
    members: Sequence[Classifier],
    dataset: Dataset,
    title: str,
    runs: Path,
    damaged: bool = False,
) -> Evidence:
    """Return a model's evidence in every row of a data set, from ``<runs>/evidence`` where it was kept.

    Args:
        classifier: the exported model.
        members: of an ensemble, loaded, in its order.
        dataset: with columns ``image`` and ``labels``.
        title: of the progress bar, such as the split's name.
        runs: the folder for what is not kept for ever.
        damaged: damage each picture first, see ``training.methods.corruption``.
    """
    settings = classifier.config.ensemble
    if settings:
        return ensemble_evidence(members, settings, dataset, title, runs, damaged)
    return _net_evidence(classifier, AS_IT_IS, dataset, title, runs, damaged)


def ensemble_evidence(
    members: Sequence[Classifier],
    settings: EnsembleSettings,
    dataset: Dataset,
    title: str,
    runs: Path,
    damaged: bool = False,
) -> Evidence:
    """Return the evidence of nets joined as ``settings`` say; the rest as for ``evidence_on``."""
    parts = []
    for member in members:
        views = [_net_evidence(member, view, dataset, title, runs, damaged) for view in settings.views]
        log_odds = np.mean([view.log_odds for view in views], axis=0)
        parts.append(Evidence(log_odds, np.mean([view.heatmap for view in views], axis=0), 0.0, 0.0))
    return combine(parts, settings)


def _net_evidence(
    classifier: Classifier, view: str, dataset: Dataset, title: str, runs: Path, damaged: bool
) -> Evidence:
    net = (classifier.identity.sha256, classifier.config.preprocessing, view)
    # The first picture tells copies of one data set apart: they have equal labels, and may be of another size.
    pictures = (title, damaged, list(dataset["labels"]), dataset[0]["image"].tobytes())
    file = runs / FOLDER / f"{hashlib.sha256(repr((*net, *pictures)).encode()).hexdigest()}.npz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        found = [classifier.net.evidence(batch, (view,)) for batch in batches(dataset, BATCH_SIZE, title, damaged)]
        log_odds, heatmap = (
            np.concatenate([getattr(part, name) for part in found]) for name in ("log_odds", "heatmap")
        )
        np.savez(file, log_odds=log_odds, heatmap=heatmap)
    with np.load(file) as kept:
        return Evidence(kept["log_odds"], kept["heatmap"], preprocess_ms=0.0, inference_ms=0.0)
