"""Chooses the thresholds of a model, its operating points, on validation data."""

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_curve

from overread.model_folder import OperatingPoint
from training.measure.calibration import Calibration, Targets, count

TARGET = 0.95
STRICTER_TARGET = 0.99

Floats = npt.NDArray[np.floating]


def choose_operating_points(
    probabilities: Floats, targets: Targets, weights: Floats | None = None
) -> tuple[OperatingPoint, OperatingPoint, OperatingPoint]:
    """Return screening, balanced and rule-in, by rising threshold, with what they reach on these images.

    *Screening* is the highest threshold with a sensitivity of at least 0.95, *balanced* has the largest Youden's J
    (Youden 1950), *rule-in* is the lowest threshold with a specificity of at least 0.95. If balanced already reaches
    0.95, the target is 0.99, so that the points stay distinct.

    Args:
        probabilities: (N,) calibrated, of class 1.
        targets: (N,) 0 or 1, both present, or between where a label is doubtful.
        weights: (N,) how much each image counts (default: all alike).
    """
    counted = count(targets, weights)
    false_positive, sensitivity, thresholds = roc_curve(
        counted.labels, probabilities[counted.rows], sample_weight=counted.weights, drop_intermediate=False
    )
    specificity = 1 - false_positive
    balanced = int(np.argmax(sensitivity + specificity))
    sensitive = STRICTER_TARGET if sensitivity[balanced] >= TARGET else TARGET
    specific = STRICTER_TARGET if specificity[balanced] >= TARGET else TARGET
    # The curve runs from high thresholds to low. Balanced may reach 0.99 too, hence max and min.
    screening = max(int(np.argmax(sensitivity >= sensitive)), balanced)
    rule_in = min(int(np.flatnonzero(specificity >= specific)[-1]), balanced)

    def point(name: str, row: int, rule: str) -> OperatingPoint:
        threshold = _between_scores(thresholds, row)
        return OperatingPoint(name, threshold, float(sensitivity[row]), float(specificity[row]), rule)

    return (
        point(
            "screening", screening, f"highest threshold with sensitivity of at least {sensitive:g} on validation data"
        ),
        point("balanced", balanced, "largest sensitivity + specificity - 1 (Youden's J) on validation data"),
        point("rule-in", rule_in, f"lowest threshold with specificity of at least {specific:g} on validation data"),
    )


def decision_settings(
    calibration: Calibration,
    chosen_on: str,
    probabilities: Floats,
    targets: Targets,
    weights: Floats | None = None,
) -> dict[str, Any]:
    """Return the entries of ``config.json`` for the calibration and the operating points.

    Args:
        calibration: folded into the probabilities.
        chosen_on: name of the images.
        probabilities: (N,) calibrated, of class 1.
        targets: (N,) 0 or 1, both present, or between where a label is doubtful.
        weights: (N,) how much each image counts (default: all alike).
    """
    points = [asdict(point) for point in choose_operating_points(probabilities, targets, weights)]
    return {
        "calibration": {"method": "Platt scaling", "split": chosen_on, **asdict(calibration)},
        "operating_points": {point.pop("name"): point for point in points},
        "default_operating_point": "balanced",
    }


def _between_scores(thresholds: Floats, row: int) -> float:
    """Return the midpoint to the next lower score, so that rounding moves no image across the threshold."""
    if not np.isfinite(thresholds[row]):  # scikit-learn starts the curve at infinity
        return 1.0
    lower = thresholds[row + 1] if row + 1 < len(thresholds) else 0.0
    return float((thresholds[row] + lower) / 2)
