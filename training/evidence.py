"""Runs exported models over data sets, each picture once: what a net said is kept for every ensemble it is in."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from datasets import Dataset

from models.classifier import BATCH_SIZE, Classifier
from models.ensemble import combine
from models.net import Evidence
from training.validation import batches

FOLDER = "evidence"


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
        damaged: damage each picture first, see ``training.corruptions``.
    """
    settings = classifier.config.ensemble
    if settings:
        parts = [evidence_on(member, (), dataset, title, runs, damaged) for member in members]
        return combine(parts, settings)
    said = (classifier.identity.sha256, title, damaged, dataset["labels"], classifier.config.preprocessing)
    file = runs / FOLDER / f"{hashlib.sha256(repr(said).encode()).hexdigest()}.npz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        found = [classifier.evidence(pictures) for pictures in batches(dataset, BATCH_SIZE, title, damaged)]
        log_odds, heatmap = (
            np.concatenate([getattr(part, name) for part in found]) for name in ("log_odds", "heatmap")
        )
        np.savez(file, log_odds=log_odds, heatmap=heatmap)
    with np.load(file) as kept:
        return Evidence(kept["log_odds"], kept["heatmap"], preprocess_ms=0.0, inference_ms=0.0)
