"""Fits the calibration of a model's log-odds and the colour scale of its heat map, on validation data."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Calibration:
    """Calibrated log-odds are ``slope * log_odds + intercept``."""

    slope: float
    intercept: float


def fit_calibration(log_odds: Floats, labels: npt.NDArray[np.integer], weights: Floats | None = None) -> Calibration:
    """Return the slope and intercept that minimise log loss: Platt scaling (Platt 1999), without a penalty.

    A temperature alone (Guo et al. 2017) has no intercept and cannot correct log-odds that are shifted as a whole, as
    by other slides or patients. Both classes have the same weight: a data set's prevalence says how it was collected,
    so probabilities are for a prevalence of one half.

    Args:
        log_odds: (N,) of class 1.
        labels: (N,) 0 or 1, both present.
        weights: (N,) how much each image counts besides (default: all alike).
    """
    counts = np.ones(len(labels)) if weights is None else np.asarray(weights, np.float64)
    of_class = np.bincount(labels, counts, minlength=2)
    balanced = counts / of_class[labels] * len(labels) / 2
    fitted = LogisticRegression(C=np.inf).fit(np.asarray(log_odds, np.float64)[:, None], labels, balanced)
    return Calibration(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))


def colour_scale(heatmaps: Floats) -> float:
    """Return the log-odds of a cell that is drawn in full colour: the 95th percentile of |cell| on validation data."""
    return float(np.quantile(np.abs(heatmaps), 0.95))
