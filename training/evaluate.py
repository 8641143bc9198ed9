"""Measures a finished model folder: python -m training.evaluate pcam-resnet18 [--data FOLDER]

Runs the exported ONNX file through ``models/``, exactly as the app does, on the validation and the test split, and
writes ``evaluation.json`` and the model card beside it. Nothing is chosen here: test is only reported.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from datasets import Dataset
from scipy.stats import binomtest, bootstrap
from sklearn.metrics import brier_score_loss, roc_auc_score
from torchmetrics.functional.classification import binary_calibration_error
from tqdm import tqdm

from models.catalogue import BUNDLED_FOLDER
from models.classifier import BATCH_SIZE, Classifier
from models.figures import EVALUATION_FILE
from models.folder import OperatingPoint
from training.card import update_readme, write_card
from training.data import load_split
from training.recipes import RECIPES, Recipe

RESAMPLES = 2000
BINS = 15
README = Path(__file__).parents[1] / "README.md"

Estimate = dict[str, float]
Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]


def area_under_roc(labels: Labels, probabilities: Floats, seed: int = 2026) -> Estimate:
    """Return the area under the ROC curve with its 95 % percentile-bootstrap interval over pictures."""
    interval = bootstrap(
        (labels, probabilities),
        roc_auc_score,
        paired=True,
        vectorized=False,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=seed,
    ).confidence_interval
    return {
        "value": float(roc_auc_score(labels, probabilities)),
        "low": float(interval.low),
        "high": float(interval.high),
    }


def proportion(successes: int, trials: int) -> Estimate:
    """Return a proportion with its 95 % Wilson interval (Wilson 1927)."""
    interval = binomtest(successes, trials).proportion_ci(method="wilson")
    return {"value": successes / trials, "low": float(interval.low), "high": float(interval.high)}


def at_operating_point(labels: Labels, probabilities: Floats, point: OperatingPoint) -> dict[str, Any]:
    """Return the confusion counts, sensitivity, specificity and accuracy at a threshold, with intervals."""
    called = probabilities >= point.threshold
    true_positive, true_negative = int((called & (labels == 1)).sum()), int((~called & (labels == 0)).sum())
    positives, negatives = int((labels == 1).sum()), int((labels == 0).sum())
    return {
        "threshold": point.threshold,
        "true_positive": true_positive,
        "false_negative": positives - true_positive,
        "true_negative": true_negative,
        "false_positive": negatives - true_negative,
        "sensitivity": proportion(true_positive, positives),
        "specificity": proportion(true_negative, negatives),
        "accuracy": proportion(true_positive + true_negative, len(labels)),
    }


def measure(labels: Labels, probabilities: Floats, points: list[OperatingPoint]) -> dict[str, Any]:
    """Return every figure of one split, ready for JSON.

    Args:
        labels: (N,) 0 or 1.
        probabilities: (N,) calibrated, of class 1.
        points: operating points, chosen elsewhere.
    """
    calibration_error = binary_calibration_error(
        torch.tensor(probabilities), torch.tensor(labels), n_bins=BINS, norm="l1"
    )
    return {
        "images": len(labels),
        "positives": int(labels.sum()),
        "auc": area_under_roc(labels, probabilities),
        "ece": float(calibration_error),
        "brier": float(brier_score_loss(labels, probabilities)),
        "operating_points": {point.name: at_operating_point(labels, probabilities, point) for point in points},
    }


def predict_split(classifier: Classifier, dataset: Dataset, title: str) -> Floats:
    """Return (N,) float64, the classifier's probability of the finding for every row's ``image``."""
    probabilities: list[float] = []
    for start in tqdm(range(0, len(dataset), BATCH_SIZE), desc=title, unit="batch"):
        images = dataset[start : start + BATCH_SIZE]["image"]
        probabilities += [answer.probability for answer in classifier.predict_batch(images)]
    return np.asarray(probabilities)


def evaluate(recipe: Recipe, data: str | None = None, weights: Path = BUNDLED_FOLDER) -> dict[str, Any]:
    """Return what is written to ``evaluation.json`` of the recipe's model folder."""
    folder = weights / recipe.name
    classifier = Classifier(folder)
    splits = {}
    for split in ("validation", "test"):
        dataset = load_split(recipe.source, split, data, recipe.seed)
        probabilities = predict_split(classifier, dataset, split)
        splits[split] = measure(
            np.asarray(dataset["labels"]), probabilities, list(classifier.config.operating_points.values())
        )
    result = {
        "model": recipe.name,
        "sha256": classifier.identity.sha256,
        "dataset": recipe.source.dataset,
        "command": f"python -m training.evaluate {recipe.name}",
        "intervals": f"95 %; AUC: percentile bootstrap with {RESAMPLES} resamples of pictures; proportions: Wilson",
        "calibration_bins": BINS,
        "splits": splits,
    }
    (folder / EVALUATION_FILE).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    write_card(recipe, folder)
    return result


def main() -> None:
    """Evaluate the model named on the command line and print its test figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=sorted(RECIPES), metavar="MODEL")
    parser.add_argument("--data", help="local folder in the data set's schema (default: the Hub)")
    arguments = parser.parse_args()
    result = evaluate(RECIPES[arguments.recipe], arguments.data)
    update_readme(README)
    print(json.dumps(result["splits"]["test"], indent=1))


if __name__ == "__main__":
    main()
