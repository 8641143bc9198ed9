"""Compares two AUCs on the same images: DeLong's test and a paired bootstrap interval."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm, rankdata

from training.measure.intervals import SEED, Floats, bootstrap_images
from training.measure.ranking import Labels, Ranking, area_under_roc, require_of_each_class


@dataclass(frozen=True)
class DelongTest:
    """AUC a - AUC b on the same images, its standard error and the two-sided p value of no difference."""

    difference: float
    standard_error: float
    p_value: float


def compare(labels: Labels, probabilities_a: Floats, probabilities_b: Floats, seed: int = SEED) -> dict[str, Any]:
    """Return both models' AUC on the same images, the ``difference`` a - b with its interval, and DeLong's ``p_value``.

    The interval resamples images for both models at once.

    Raises:
        ValueError: if a class has fewer than two images.
    """
    test = delong_test(labels, probabilities_a, probabilities_b)
    a, b = Ranking(labels, probabilities_a), Ranking(labels, probabilities_b)
    return {
        "images": len(labels),
        "auc_a": area_under_roc(labels, probabilities_a, seed),
        "auc_b": area_under_roc(labels, probabilities_b, seed),
        "difference": bootstrap_images(
            test.difference, lambda counts: a.area_under_roc(counts) - b.area_under_roc(counts), len(labels), seed
        ),
        "p_value": test.p_value,
    }


def delong_test(labels: Labels, scores_a: Floats, scores_b: Floats) -> DelongTest:
    """Return DeLong's test for two AUCs on the same images (DeLong et al. 1988; mid-ranks as in Sun & Xu 2014).

    Where the standard error is 0, as for two equal or two perfect rankings, p is 1 if the AUCs are equal and else 0.

    Args:
        labels: (N,) 0 or 1.
        scores_a: (N,), higher for class 1; only the order matters.
        scores_b: (N,) likewise.

    Raises:
        ValueError: if a class has fewer than two images.
    """
    require_of_each_class(labels, 2)
    positives_a, negatives_a = _placements(labels, scores_a)
    positives_b, negatives_b = _placements(labels, scores_b)
    difference = float(positives_a.mean() - positives_b.mean())
    # The variance of a difference is that of the images' own differences: no need for the 2 x 2 covariance.
    variance = sum(np.var(a - b, ddof=1) / len(a) for a, b in ((positives_a, positives_b), (negatives_a, negatives_b)))
    error = float(np.sqrt(variance))
    p_value = 2 * float(norm.sf(abs(difference) / error)) if error else float(difference == 0)
    return DelongTest(difference, error, p_value)


def _placements(labels: Labels, scores: Floats) -> tuple[Floats, Floats]:
    """Return for each positive the fraction of negatives below it, for each negative that of positives above it."""
    ranks, positive = rankdata(scores), labels == 1
    positives, negatives = int(positive.sum()), int((~positive).sum())
    below = (ranks[positive] - rankdata(scores[positive])) / negatives
    above = 1 - (ranks[~positive] - rankdata(scores[~positive])) / positives
    return below, above
