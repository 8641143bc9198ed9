"""Width over height of the published films, which a squashed film still tells by how its anatomy is stretched."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from datasets import load_dataset
from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.float64]


def published_proportions(folder: Path | str) -> dict[str, float]:
    """Return width over height of each film as it was published, by its name without suffix.

    Args:
        folder: of the lung masks, which come with the films' sizes: a Hub data set's folder, or its id.
    """
    rows = load_dataset(str(folder), split="train").select_columns(["path", "width", "height"])
    return {name: width / height for name, width, height in zip(*(rows[column] for column in rows.features), strict=True)}


def overlap_weights(proportions: Floats, labels: npt.NDArray[np.int64]) -> Floats:
    """Return (N,) weights under which the proportions of a film do not predict its class.

    Overlap weights (Li, Morgan and Zaslavsky 2018): the probability of the other class, given the logarithm of the
    proportions, by logistic regression. Under them the mean logarithm is the same in both classes.

    Args:
        proportions: (N,) width over height; NaN where it is not known, which gives a weight of 0.
        labels: (N,) 0 or 1.
    """
    known = np.isfinite(proportions)
    logarithms = np.log(proportions[known])[:, None]
    fitted = LogisticRegression(C=np.inf, class_weight="balanced").fit(logarithms, labels[known])
    weights = np.zeros(len(labels))
    weights[known] = fitted.predict_proba(logarithms)[np.arange(len(logarithms)), 1 - labels[known]]
    return weights
