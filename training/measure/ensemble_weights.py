"""Fits how much each member of an ensemble counts, on validation data."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from overread.probability import sigmoid
from training.measure.calibration import Targets, count

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Weighting:
    """Calibrated log-odds are ``log_odds @ weights + intercept``."""

    weights: tuple[float, ...]
    intercept: float


def fit_weights(log_odds: Floats, targets: Targets, weights: Floats | None = None) -> Weighting:
    """Return the weights, 0 or more, and the intercept that minimise log loss: stacking (Breiman 1996).

    Breiman found that weights must not be negative: members are alike, and would else be played off against each other.
    Without a penalty, and with the same weight for both classes, as in ``fit_calibration``: with one member it is Platt
    scaling.

    Args:
        log_odds: (N, members) of class 1.
        targets: (N,) 0 or 1, both present, or between where a label is doubtful.
        weights: (N,) how much each image counts, besides (default: all alike).
    """
    counted = count(targets, weights)
    labels = counted.labels
    values = np.column_stack([np.asarray(log_odds, np.float64)[counted.rows], np.ones(len(labels))])
    of_class = np.bincount(labels, counted.weights, minlength=2)
    importance = counted.weights / (2 * of_class[labels])
    members = log_odds.shape[1]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        scores = values @ parameters
        signed = np.where(labels == 1, -scores, scores)
        residuals = importance * (sigmoid(scores) - labels)
        return float(importance @ np.logaddexp(0, signed)), values.T @ residuals

    start = np.append(np.full(members, 1 / members), 0.0)
    bounds = [(0, None)] * members + [(None, None)]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-12, "gtol": 1e-8})
    return Weighting(tuple(map(float, found.x[:-1])), float(found.x[-1]))
