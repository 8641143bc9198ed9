"""Films of two hospitals as one data set, in which neither hospital nor view predicts the class."""

import numpy as np
import numpy.typing as npt
from datasets import Dataset, concatenate_datasets

from training.data.data_sets import Source, folder_beside
from training.data.splits import Split, load_split, strata

Floats = npt.NDArray[np.float64]


def load_hospitals(source: Source, split: Split, data: str | None = None) -> Dataset:
    """Return one split of a source and, where it names one, of its second source.

    Columns: ``image`` (PIL), ``labels`` (int), ``hospital`` and ``stratum`` (str), ``target`` (float: what the label is
    worth, less than 1 for a positive one that was text-mined).

    Args:
        source: the data set.
        split: "train", "validation" or "test".
        data: a local folder in the data set's schema, the second one's beside it (default: the Hub).
    """
    parts = [_described(source, load_split(source, split, data))]
    if source.second:
        second = load_split(source.second, split, folder_beside(data, source.second.dataset))
        parts.append(_described(source.second, second))
    return concatenate_datasets(parts)


def _described(source: Source, dataset: Dataset) -> Dataset:
    return (
        dataset.select_columns(["image", "labels"])
        .add_column("hospital", [source.dataset] * len(dataset))
        .add_column("stratum", strata(dataset, source))
        .add_column("target", [label * source.positive_target for label in dataset["labels"]])
    )


def balancing_weights(dataset: Dataset, second_share: float, within: Floats | None = None) -> Floats:
    """Return (N,) weights that add up to 1, for a data set of ``load_hospitals``.

    Within each hospital every stratum (a view) has the same weight, and within each stratum both classes have. Without
    that a net learns that an adult, or a portable film, means one class.

    Args:
        dataset: of one hospital, or of two.
        second_share: total weight of the second hospital's films.
        within: (N,) how much each film counts within its class of its stratum (default: all alike).

    Raises:
        ValueError: if a stratum lacks a class.
    """
    hospitals, stratum, labels = (np.asarray(dataset[column]) for column in ("hospital", "stratum", "labels"))
    weights = np.ones(len(dataset)) if within is None else within.copy()
    names = list(dict.fromkeys(hospitals.tolist()))  # in the data set's order
    shares = [1.0] if len(names) == 1 else [1 - second_share, second_share]
    for hospital, share in zip(names, shares, strict=True):
        groups = np.unique(stratum[hospitals == hospital])
        for group in groups:
            for label in (0, 1):
                chosen = (stratum == group) & (labels == label)
                if not weights[chosen].any():
                    raise ValueError(f"{group} has no image with label {label}")
                weights[chosen] *= share / (2 * len(groups) * weights[chosen].sum())
    return weights
