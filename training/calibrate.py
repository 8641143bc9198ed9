"""Chosen on validation data, never on test: the temperature, the operating points, the heat map's colour scale."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss, roc_curve

Floats = npt.NDArray[np.floating]

RULES = {
    "screening": "highest threshold with sensitivity of at least 0.95 on validation data",
    "balanced": "largest sensitivity + specificity - 1 (Youden's J) on validation data",
    "rule-in": "lowest threshold with specificity of at least 0.95 on validation data",
}


@dataclass(frozen=True)
class ChosenPoint:
    """A threshold on the calibrated probability with what it reached on validation data."""

    threshold: float
    sensitivity: float
    specificity: float
    rule: str


def fit_temperature(log_odds: Floats, labels: npt.NDArray[np.integer]) -> float:
    """Return the temperature that minimises log loss (Guo et al. 2017, On Calibration of Modern Neural Networks).

    Args:
        log_odds: (N,) ``logit_1 - logit_0``.
        labels: (N,) 0 or 1.
    """

    def loss(log_temperature: float) -> float:
        return float(log_loss(labels, sigmoid(log_odds / np.exp(log_temperature)), labels=[0, 1]))

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def choose_operating_points(probabilities: Floats, labels: npt.NDArray[np.integer]) -> dict[str, dict[str, object]]:
    """Return the three operating points as plain dicts, for ``config.json``.

    Args:
        probabilities: (N,) calibrated, of class 1.
        labels: (N,) 0 or 1, both present.
    """
    false_positive, sensitivity, thresholds = roc_curve(labels, probabilities, drop_intermediate=False)
    specificity = 1 - false_positive
    rows = {
        "screening": int(np.argmax(sensitivity >= 0.95)),  # the curve runs from high thresholds to low
        "balanced": int(np.argmax(sensitivity + specificity)),
        "rule-in": int(np.flatnonzero(specificity >= 0.95)[-1]),
    }
    return {
        name: asdict(
            ChosenPoint(_below(thresholds, row), float(sensitivity[row]), float(specificity[row]), RULES[name])
        )
        for name, row in rows.items()
    }


def _below(thresholds: Floats, row: int) -> float:
    """Return a threshold half-way to the next lower score, so that rounding does not move a picture across it."""
    if not np.isfinite(thresholds[row]):  # scikit-learn starts the curve at infinity
        return 1.0
    lower = thresholds[row + 1] if row + 1 < len(thresholds) else 0.0
    return float((thresholds[row] + lower) / 2)


def colour_scale(heatmaps: Floats) -> float:
    """Return the log-odds of one cell that are drawn in full colour: the 99th percentile of validation's |cells|."""
    return float(np.quantile(np.abs(heatmaps), 0.99))


def sigmoid(log_odds: Floats) -> Floats:
    """Return the probability for log-odds."""
    return 1 / (1 + np.exp(-log_odds))
