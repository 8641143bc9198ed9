"""Width over height of the published films, which a squashed film still tells by how its anatomy is stretched."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from datasets import Dataset, load_dataset
from sklearn.linear_model import LogisticRegression

from training.data.data_sets import Source, folder_beside
from training.data.splits import file_names

Floats = npt.NDArray[np.float64]


def published_proportions(folder: Path | str) -> dict[str, float]:
    """Return width over height of each film as it was published, by its name without suffix.

    Args:
        folder: of the lung masks, which come with the films' sizes: a Hub data set's folder, or its id.
    """
    rows = load_dataset(str(folder), split="train").select_columns(["path", "width", "height"])
    sizes = zip(rows["path"], rows["width"], rows["height"], strict=True)
    return {name: width / height for name, width, height in sizes}


def same_proportions(dataset: Dataset, source: Source, data: str | None = None) -> Floats:
    """Return (N,) weights of films of ``load_hospitals`` under which proportions do not predict the source's classes.

    The second hospital's films, and those of a source whose films' sizes are not known, all have a weight of 1.

    Args:
        dataset: of the source and of its second one.
        source: names the data set of the films' sizes.
        data: a local folder in its schema, the others beside it (default: the Hub).
    """
    weights = np.ones(len(dataset))
    if source.masks:
        known = published_proportions(folder_beside(data, source.masks))
        first = np.flatnonzero(np.asarray(dataset["hospital"]) == source.dataset)
        names = file_names(dataset.select(first))
        proportions = np.array([known.get(Path(name).stem, np.nan) for name in names])
        weights[first] = overlap_weights(proportions, np.asarray(dataset["labels"])[first])
    return weights


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
