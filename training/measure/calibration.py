"""Chosen on validation data, never on test: the calibration, the operating points, the heat map's colour scale."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve

Floats = npt.NDArray[np.floating]

TARGET = 0.95
STRICTER_TARGET = 0.99


@dataclass(frozen=True)
class ChosenPoint:
    """A threshold on the calibrated probability with what it reached on validation data."""

    threshold: float
    sensitivity: float
    specificity: float
    rule: str


@dataclass(frozen=True)
class Calibration:
    """Calibrated log-odds are ``slope * log_odds + intercept``."""

    slope: float
    intercept: float


def fit_calibration(log_odds: Floats, labels: npt.NDArray[np.integer]) -> Calibration:
    """Return the slope and intercept that minimise log loss: Platt scaling (Platt 1999), without a penalty.

    A temperature alone (Guo et al. 2017) is the special case without an intercept. It cannot mend a net whose log-odds
    are shifted as a whole, which is what a validation set from other slides or patients does to them. Both classes have
    the same weight: how many pictures with the finding a data set holds says how it was collected, not how likely the
    finding is in the next picture, so probabilities are for even odds beforehand.

    Args:
        log_odds: (N,) ``logit_1 - logit_0``.
        labels: (N,) 0 or 1, both present.
    """
    fitted = LogisticRegression(C=np.inf, class_weight="balanced").fit(
        np.asarray(log_odds, np.float64)[:, None], labels
    )
    return Calibration(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))


def choose_operating_points(probabilities: Floats, labels: npt.NDArray[np.integer]) -> dict[str, dict[str, object]]:
    """Return the three operating points as plain dicts, for ``config.json``, from the lowest threshold to the highest.

    *Screening* is the highest threshold with a sensitivity of at least 0.95, *balanced* has the largest Youden's J
    (Youden 1950), *rule-in* is the lowest threshold with a specificity of at least 0.95. Where balanced has 0.95 of
    its own, that target would say nothing new, and could put screening above rule-in: it is 0.99 then.

    Args:
        probabilities: (N,) calibrated, of class 1.
        labels: (N,) 0 or 1, both present.
    """
    false_positive, sensitivity, thresholds = roc_curve(labels, probabilities, drop_intermediate=False)
    specificity = 1 - false_positive
    balanced = int(np.argmax(sensitivity + specificity))
    sensitive = STRICTER_TARGET if sensitivity[balanced] >= TARGET else TARGET
    specific = STRICTER_TARGET if specificity[balanced] >= TARGET else TARGET
    # The curve runs from high thresholds to low. Balanced may reach 0.99 too, hence max and min.
    rows = {
        "screening": (
            max(int(np.argmax(sensitivity >= sensitive)), balanced),
            f"highest threshold with sensitivity of at least {sensitive:g} on validation data",
        ),
        "balanced": (balanced, "largest sensitivity + specificity - 1 (Youden's J) on validation data"),
        "rule-in": (
            min(int(np.flatnonzero(specificity >= specific)[-1]), balanced),
            f"lowest threshold with specificity of at least {specific:g} on validation data",
        ),
    }
    return {
        name: asdict(ChosenPoint(_below(thresholds, row), float(sensitivity[row]), float(specificity[row]), rule))
        for name, (row, rule) in rows.items()
    }


def decisions(
    calibration: Calibration, chosen_on: str, probabilities: Floats, labels: npt.NDArray[np.integer]
) -> dict[str, Any]:
    """Return how a model's ``config.json`` says what was chosen on validation data.

    Args:
        calibration: that gave the probabilities.
        chosen_on: which pictures, in words.
        probabilities: (N,) calibrated, of class 1.
        labels: (N,) 0 or 1, both present.
    """
    return {
        "calibration": {"method": "Platt scaling", "split": chosen_on, **asdict(calibration)},
        "operating_points": choose_operating_points(probabilities, labels),
        "default_operating_point": "balanced",
    }


def _below(thresholds: Floats, row: int) -> float:
    """Return a threshold half-way to the next lower score, so that rounding does not move a picture across it."""
    if not np.isfinite(thresholds[row]):  # scikit-learn starts the curve at infinity
        return 1.0
    lower = thresholds[row + 1] if row + 1 < len(thresholds) else 0.0
    return float((thresholds[row] + lower) / 2)


def colour_scale(heatmaps: Floats) -> float:
    """Return the log-odds of one cell that are drawn in full colour: the 95th percentile of validation's |cells|."""
    return float(np.quantile(np.abs(heatmaps), 0.95))


def sigmoid(log_odds: Floats) -> Floats:
    """Return the probability for log-odds."""
    return 1 / (1 + np.exp(-log_odds))
