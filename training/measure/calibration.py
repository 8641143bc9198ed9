"""Fits the calibration of a model's log-odds and the colour scale of its heat map, on validation data."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.floating]
Targets = npt.NDArray[np.integer] | npt.NDArray[np.floating]


@dataclass(frozen=True)
class Calibration:
    """Calibrated log-odds are ``slope * log_odds + intercept``."""

    slope: float
    intercept: float


@dataclass(frozen=True, eq=False)
class Counted:
    """Labels without doubt: an image whose positive label is worth 0.75 counts for three quarters as a positive one.

    Attributes:
        rows: (M,) which image.
        labels: (M,) 0 or 1.
        weights: (M,) above 0.
    """

    rows: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]


def count(targets: Targets, weights: Floats | None = None) -> Counted:
    """Return what images count as, each as one class or, in doubt, as both.

    Args:
        targets: (N,) 0 or 1, or between where a label is doubtful.
        weights: (N,) how much each image counts (default: all alike).
    """
    positive = np.asarray(targets, np.float64)
    each = np.ones(len(positive)) if weights is None else np.asarray(weights, np.float64)
    shares = np.concatenate([each * positive, each * (1 - positive)])
    counting = shares > 0
    rows, labels = np.tile(np.arange(len(positive)), 2), np.repeat([1, 0], len(positive))
    return Counted(rows[counting], labels[counting], shares[counting])


def fit_calibration(log_odds: Floats, targets: Targets, weights: Floats | None = None) -> Calibration:
    """Return the slope and intercept that minimise log loss: Platt scaling (Platt 1999), without a penalty.

    A temperature alone (Guo et al. 2017) has no intercept and cannot correct log-odds that are shifted as a whole, as
    by other slides or patients. Both classes have the same weight: a data set's prevalence says how it was collected,
    so probabilities are for a prevalence of one half.

    Args:
        log_odds: (N,) of class 1.
        targets: (N,) 0 or 1, both present, or between where a label is doubtful.
        weights: (N,) how much each image counts, besides (default: all alike).
    """
    counted = count(targets, weights)
    of_class = np.bincount(counted.labels, counted.weights, minlength=2)
    balanced = counted.weights / of_class[counted.labels] * len(counted.labels) / 2
    values = np.asarray(log_odds, np.float64)[counted.rows, None]
    fitted = LogisticRegression(C=np.inf).fit(values, counted.labels, balanced)
    return Calibration(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))


def colour_scale(heatmaps: Floats) -> float:
    """Return the log-odds of a cell that is drawn in full colour: the 95th percentile of |cell| on validation data."""
    return float(np.quantile(np.abs(heatmaps), 0.95))
