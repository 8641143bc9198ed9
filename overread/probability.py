"""Logits, log-odds and probabilities of a net with two classes."""

import numpy as np
import numpy.typing as npt


def log_odds(logits: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return (N,) float64 log-odds of the second class, the finding: ``logits[:, 1] - logits[:, 0]``.

    Args:
        logits: (N, 2), any float type; the difference is taken in float64.
    """
    values = np.asarray(logits, np.float64)
    return values[:, 1] - values[:, 0]


def sigmoid(log_odds: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the probability that belongs to log-odds, ``1 / (1 + exp(-log_odds))``, in the shape of the input."""
    with np.errstate(over="ignore"):  # exp(710) is infinite, and the probability then is 0
        return np.asarray(1 / (1 + np.exp(-np.asarray(log_odds))))
