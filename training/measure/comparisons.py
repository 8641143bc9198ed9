"""Compares models of one data set on the same test images, from their ``predictions.csv``."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.measure.delong import compare
from training.measure.intervals import Estimate
from training.measure.predictions import Predictions


@dataclass(frozen=True)
class Comparison:
    """A model's test AUC minus another's, on the same images.

    ``difference`` has a 95 % bootstrap interval; ``p_value`` is that of DeLong's test (DeLong et al. 1988).
    """

    other: str
    difference: Estimate
    p_value: float


def compare_with_others(name: str, on_test: Mapping[str, Predictions]) -> list[Comparison]:
    """Return one model's comparison with each of the others.

    Args:
        name: the model.
        on_test: the test predictions of models of one data set, by name.

    Raises:
        ValueError: if two models were run on different test images.
    """
    own = on_test[name]
    comparisons = []
    for other, predictions in on_test.items():
        if other == name:
            continue
        if not np.array_equal(own.labels, predictions.labels):
            raise ValueError(f"{name} and {other} were evaluated on different test images: evaluate both again.")
        found = compare(own.labels, own.probabilities, predictions.probabilities)
        comparisons.append(Comparison(other, found["difference"], found["p_value"]))
    return comparisons
