"""Metrics of a model's probabilities on labelled images, with 95 % intervals, ready for JSON."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import brier_score_loss, f1_score
from torchmetrics.functional.classification import binary_calibration_error

from overread.model_folder import OperatingPoint
from training.measure.intervals import SEED, Counts, Estimate, Floats, bootstrap_images, proportion
from training.measure.ranking import Labels, area_under_roc, average_precision

BINS = 15  # of the expected calibration error


def measure(
    labels: Labels, probabilities: Floats, points: list[OperatingPoint], uncalibrated: Floats | None = None
) -> dict[str, Any]:
    """Return all metrics of one split.

    Args:
        labels: (N,) 0 or 1, both present.
        probabilities: (N,) calibrated, of class 1.
        points: operating points, chosen on other images.
        uncalibrated: (N,) probabilities before calibration, for ``ece_before`` and ``brier_before``.

    Raises:
        ValueError: if a class has no image.
    """
    before = {} if uncalibrated is None else calibration_error(labels, uncalibrated)
    return {
        "images": len(labels),
        "positives": int(labels.sum()),
        "auc": area_under_roc(labels, probabilities),
        "average_precision": average_precision(labels, probabilities),
        **calibration_error(labels, probabilities),
        **{f"{name}_before": value for name, value in before.items()},
        "operating_points": {point.name: at_operating_point(labels, probabilities, point) for point in points},
    }


def at_operating_point(
    labels: Labels, probabilities: Floats, point: OperatingPoint, seed: int = SEED
) -> dict[str, Any]:
    """Return the threshold, the confusion matrix and the rates that follow from it, with intervals.

    The rates are sensitivity, specificity, accuracy, f1, and ppv and npv (positive and negative predictive value at
    the prevalence of these images). A rate without a denominator is None, such as ppv without positive predictions.
    """
    predicted = probabilities >= point.threshold
    true_positive, true_negative = int((predicted & (labels == 1)).sum()), int((~predicted & (labels == 0)).sum())
    false_positive, false_negative = int((predicted & (labels == 0)).sum()), int((~predicted & (labels == 1)).sum())
    return {
        "threshold": point.threshold,
        "true_positive": true_positive,
        "false_negative": false_negative,
        "true_negative": true_negative,
        "false_positive": false_positive,
        "sensitivity": proportion(true_positive, true_positive + false_negative),
        "specificity": proportion(true_negative, true_negative + false_positive),
        "accuracy": proportion(true_positive + true_negative, len(labels)),
        "ppv": proportion(true_positive, true_positive + false_positive),
        "npv": proportion(true_negative, true_negative + false_negative),
        "f1": _f1(labels, predicted, seed),
    }


def calibration_error(labels: Labels, probabilities: Floats) -> dict[str, float]:
    """Return the expected calibration error (``ece``, 15 bins of equal width, L1) and the ``brier`` score."""
    error = binary_calibration_error(torch.tensor(probabilities), torch.tensor(labels), n_bins=BINS, norm="l1")
    return {"ece": float(error), "brier": float(brier_score_loss(labels, probabilities))}


def subgroup_auc(
    labels: Labels, probabilities: Floats, kinds: npt.NDArray[np.str_], points: list[OperatingPoint], seed: int = SEED
) -> dict[str, dict[str, Any]]:
    """Return, per kind of positive, its ``positives``, their ``auc`` against all negatives, and ``sensitivity``.

    Args:
        labels: (N,) 0 or 1, both present.
        probabilities: (N,) of class 1.
        kinds: (N,) names, read where the label is 1.
        points: operating points; ``sensitivity`` has one estimate for each, by name.
        seed: of the bootstrap.

    Raises:
        ValueError: if there are no negatives.
    """
    figures = {}
    for kind in np.unique(kinds[labels == 1]):
        of_kind = (labels == 1) & (kinds == kind)
        chosen = of_kind | (labels == 0)
        figures[str(kind)] = {
            "positives": int(of_kind.sum()),
            "auc": area_under_roc(labels[chosen], probabilities[chosen], seed),
            "sensitivity": {
                point.name: proportion(int((probabilities[of_kind] >= point.threshold).sum()), int(of_kind.sum()))
                for point in points
            },
        }
    return figures


def _f1(labels: Labels, predicted: npt.NDArray[np.bool_], seed: int) -> Estimate | None:
    """Return F1, the harmonic mean of ppv and sensitivity; None without labelled or predicted positives."""
    if not (predicted.any() or labels.any()):
        return None

    def of_resample(counts: Counts) -> float:
        hits, errors = counts[predicted & (labels == 1)].sum(), counts[predicted != (labels == 1)].sum()
        either = 2 * hits + errors
        return float(2 * hits / either) if either else float("nan")

    return bootstrap_images(float(f1_score(labels, predicted)), of_resample, len(labels), seed)
