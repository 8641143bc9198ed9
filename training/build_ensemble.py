"""Makes an ensemble's model folder of exported nets: python -m training build-ensemble pcam-ensemble [--data FOLDER]

The mean of the members' log-odds on validation data is calibrated, and operating points are chosen on it. The folder
holds no weights: ``config.json`` names the members and pins their ONNX files.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from overread.catalogue import CATALOGUE_FILE, MODELS_FOLDER, pin_files
from overread.classifier import Classifier
from overread.model_folder import CONFIG_FILE, EnsembleSettings, digests_of
from overread.probability import sigmoid
from training.data.validation_set import validation_images
from training.measure.calibration import colour_scale, fit_calibration
from training.measure.operating_points import decision_settings
from training.measure.predictions import Part, ensemble_evidence
from training.recipes.ensembles import ENSEMBLES, EnsembleRecipe


def build_ensemble(
    recipe: EnsembleRecipe, data: str | None = None, runs: Path = Path("runs"), models: Path = MODELS_FOLDER
) -> Path:
    """Return the finished folder, ``<models>/<recipe's name>``.

    Args:
        recipe: which members.
        data: a local folder in the data set's schema (default: the Hub).
        runs: holds the prediction cache.
        models: where the members' folders are, and where the ensemble's goes.
    """
    members = [Classifier(models / name) for name in recipe.members]
    digests = {member.identity.name: member.identity.sha256 for member in members}
    plain = EnsembleSettings(digests, slope=1.0, intercept=0.0, views=recipe.views)

    validation = validation_images(recipe.source, data)
    labels = validation.labels
    cached: list[Part] = ["validation", "corrupted"]
    parts = [
        ensemble_evidence(members, plain, validation.dataset, part, runs)
        for part in cached[: 1 + recipe.source.validates_on_corrupted]
    ]
    log_odds = np.concatenate([part.log_odds for part in parts])
    calibration = fit_calibration(log_odds, labels)
    probabilities = sigmoid(calibration.slope * log_odds + calibration.intercept)
    heatmaps = calibration.slope * np.concatenate([part.heatmap for part in parts])

    first = json.loads((models / recipe.members[0] / CONFIG_FILE).read_text(encoding="utf-8"))
    bias = float(np.mean([member.config.heatmap.bias for member in members]))
    config = {
        "model_type": "overread_ensemble",
        "architecture": " + ".join(member.config.architecture for member in members),
        "label_names": first["label_names"],
        "pretrained_cfg": first["pretrained_cfg"],
        "overread": {
            "finding": recipe.source.finding,
            "ensemble": {"members": digests, **asdict(calibration), "views": recipe.views},
            **decision_settings(calibration, validation.name, probabilities, labels),
            "heatmap": {
                "layer": "last convolutional stage, mean over the members",
                "bias": calibration.slope * bias + calibration.intercept,
                "scale": colour_scale(heatmaps),
            },
            "region": first["overread"]["region"],
        },
    }
    folder = models / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    print(f"validation AUC {roc_auc_score(labels, probabilities):.4f}")
    return folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("ensemble", choices=sorted(ENSEMBLES))


def run(options: argparse.Namespace) -> None:
    """Build the ensemble, pin its files, print its folder."""
    recipe = ENSEMBLES[options.ensemble]
    folder = build_ensemble(recipe, options.data, options.runs, options.models)
    catalogue_file = options.models / CATALOGUE_FILE.name
    pin_files(recipe.name, recipe.source.domain, digests_of(folder), recipe.members, file=catalogue_file)
    print(folder)
