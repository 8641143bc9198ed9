"""Makes an ensemble's folder of exported models: python -m training.ensemble pcam-ensemble [--data FOLDER]

Its members answer on validation data through ``models/``; the mean of their log-odds is calibrated and operating points
are chosen on it. The folder holds no weights: ``config.json`` names the members and pins their ONNX files.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from overread.catalogue import MODELS_FOLDER
from overread.classifier import Classifier
from overread.model_folder import CONFIG_FILE, EnsembleSettings
from training.data.validation_set import validation_pictures
from training.export import pin
from training.measure.calibration import colour_scale, decisions, fit_calibration, sigmoid
from training.measure.predictions import ensemble_evidence
from training.recipes.ensembles import ENSEMBLES, EnsembleRecipe


def join(
    recipe: EnsembleRecipe, data: str | None = None, runs: Path = Path("runs"), weights: Path = MODELS_FOLDER
) -> Path:
    """Return the finished folder, ``<weights>/<recipe's name>``.

    Args:
        recipe: which members.
        data: local folder in the data set's schema (default: the Hub).
        runs: where the members' evidence is kept.
        weights: where the members' folders are, and where the ensemble's goes.
    """
    members = [Classifier(weights / name) for name in recipe.members]
    digests = {member.identity.name: member.identity.sha256 for member in members}
    plain = EnsembleSettings(digests, slope=1.0, intercept=0.0, views=recipe.views)

    validation = validation_pictures(recipe, data)
    labels = validation.labels
    parts = [
        ensemble_evidence(members, plain, validation.dataset, title, runs, damaged)
        for title, damaged in validation.parts
    ]
    log_odds = np.concatenate([part.log_odds for part in parts])
    calibration = fit_calibration(log_odds, labels)
    probabilities = sigmoid(calibration.slope * log_odds + calibration.intercept)
    heatmaps = calibration.slope * np.concatenate([part.heatmap for part in parts])

    first = json.loads((weights / recipe.members[0] / CONFIG_FILE).read_text(encoding="utf-8"))
    bias = float(np.mean([member.config.heatmap.bias for member in members]))
    config = {
        "model_type": "overread_ensemble",
        "architecture": " + ".join(member.config.architecture for member in members),
        "label_names": first["label_names"],
        "pretrained_cfg": first["pretrained_cfg"],
        "overread": {
            "finding": recipe.source.finding,
            "ensemble": {"members": digests, **asdict(calibration), "views": recipe.views},
            **decisions(calibration, validation.name, probabilities, labels),
            "heatmap": {
                "layer": "last convolutional stage, mean over the members",
                "bias": calibration.slope * bias + calibration.intercept,
                "scale": colour_scale(heatmaps),
            },
            "region": first["overread"]["region"],
        },
    }
    folder = weights / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    print(f"validation AUC {roc_auc_score(labels, probabilities):.4f}")
    return folder


def main() -> None:
    """Make the ensemble named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ensemble", choices=sorted(ENSEMBLES))
    parser.add_argument("--data", help="local folder in the data set's schema (default: the Hub)")
    arguments = parser.parse_args()
    recipe = ENSEMBLES[arguments.ensemble]
    folder = join(recipe, arguments.data)
    pin(folder, recipe.source.domain, recipe.members)
    print(folder)


if __name__ == "__main__":
    main()
