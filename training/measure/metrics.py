"""What a classifier's probabilities are worth on labelled pictures, with 95 % intervals, ready for JSON.

Intervals: Wilson for proportions, percentile bootstrap (2000 resamples of pictures, Efron 1979) for everything else. A
resample in which a figure is undefined, such as the AUC of one class only, is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import binomtest, bootstrap, norm, rankdata
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, roc_auc_score
from torchmetrics.functional.classification import binary_calibration_error

from overread.model_folder import OperatingPoint

RESAMPLES = 2000
BINS = 15
SEED = 2026

Estimate = dict[str, float]
Counts = npt.NDArray[np.integer]
Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]


@dataclass(frozen=True)
class MeanEstimate:
    """A mean with its 95 % percentile-bootstrap interval."""

    mean: float
    low: float
    high: float


def area_under_roc(labels: Labels, probabilities: Floats, seed: int = SEED) -> Estimate:
    """Return the area under the ROC curve with its 95 % bootstrap interval.

    Raises:
        ValueError: if a class has no picture.
    """
    _require(labels, 1)
    value = float(roc_auc_score(labels, probabilities))
    return _bootstrap(value, _Ranking(labels, probabilities).area_under_roc, len(labels), seed)


def average_precision(labels: Labels, probabilities: Floats, seed: int = SEED) -> Estimate:
    """Return the average precision, the area under the precision-recall steps, with its 95 % bootstrap interval.

    Raises:
        ValueError: if a class has no picture.
    """
    _require(labels, 1)
    value = float(average_precision_score(labels, probabilities))
    return _bootstrap(value, _Ranking(labels, probabilities).average_precision, len(labels), seed)


def proportion(successes: int, trials: int) -> Estimate | None:
    """Return a proportion with its 95 % Wilson interval (Wilson 1927); None, JSON's null, of no trials."""
    if trials == 0:
        return None
    interval = binomtest(successes, trials).proportion_ci(method="wilson")
    return {"value": successes / trials, "low": float(interval.low), "high": float(interval.high)}


def at_operating_point(
    labels: Labels, probabilities: Floats, point: OperatingPoint, seed: int = SEED
) -> dict[str, Any]:
    """Return the threshold, the confusion counts and the rates that follow from them, with intervals.

    Rates: sensitivity, specificity, accuracy, ppv and npv (positive and negative predictive value, at the share of
    positives in these pictures) and f1. One that is a share of no pictures is None, such as ppv where nobody is called
    positive.
    """
    called = probabilities >= point.threshold
    true_positive, true_negative = int((called & (labels == 1)).sum()), int((~called & (labels == 0)).sum())
    false_positive, false_negative = int((called & (labels == 0)).sum()), int((~called & (labels == 1)).sum())
    return {
        "threshold": point.threshold,
        "true_positive": true_positive,
        "false_negative": false_negative,
        "true_negative": true_negative,
        "false_positive": false_positive,
        "sensitivity": proportion(true_positive, true_positive + false_negative),
        "specificity": proportion(true_negative, true_negative + false_positive),
        "accuracy": proportion(true_positive + true_negative, len(labels)),
        "ppv": proportion(true_positive, true_positive + false_positive),
        "npv": proportion(true_negative, true_negative + false_negative),
        "f1": _f1(labels, called, seed),
    }


def calibration(labels: Labels, probabilities: Floats) -> dict[str, float]:
    """Return the expected calibration error (``ece``, 15 bins of equal width, L1) and the ``brier`` score."""
    error = binary_calibration_error(torch.tensor(probabilities), torch.tensor(labels), n_bins=BINS, norm="l1")
    return {"ece": float(error), "brier": float(brier_score_loss(labels, probabilities))}


def measure(
    labels: Labels, probabilities: Floats, points: list[OperatingPoint], uncalibrated: Floats | None = None
) -> dict[str, Any]:
    """Return every figure of one split.

    Args:
        labels: (N,) 0 or 1, both present.
        probabilities: (N,) calibrated, of class 1.
        points: operating points, chosen elsewhere.
        uncalibrated: (N,) probabilities before calibration, for ``ece_before`` and ``brier_before``.

    Raises:
        ValueError: if a class has no picture.
    """
    before = {} if uncalibrated is None else calibration(labels, uncalibrated)
    return {
        "images": len(labels),
        "positives": int(labels.sum()),
        "auc": area_under_roc(labels, probabilities),
        "average_precision": average_precision(labels, probabilities),
        **calibration(labels, probabilities),
        **{f"{name}_before": value for name, value in before.items()},
        "operating_points": {point.name: at_operating_point(labels, probabilities, point) for point in points},
    }


def subgroup_auc(
    labels: Labels, probabilities: Floats, kinds: npt.NDArray[np.str_], points: list[OperatingPoint], seed: int = SEED
) -> dict[str, dict[str, Any]]:
    """Return, per kind of positive, its ``positives``, their ``auc`` against all negatives, and ``sensitivity``.

    Args:
        labels: (N,) 0 or 1, both present.
        probabilities: (N,) of class 1.
        kinds: (N,) names, read where the label is 1.
        points: operating points; ``sensitivity`` has one estimate for each, by name.
        seed: of the bootstrap.

    Raises:
        ValueError: if there are no negatives.
    """
    figures = {}
    for kind in np.unique(kinds[labels == 1]):
        of_kind = (labels == 1) & (kinds == kind)
        chosen = of_kind | (labels == 0)
        figures[str(kind)] = {
            "positives": int(of_kind.sum()),
            "auc": area_under_roc(labels[chosen], probabilities[chosen], seed),
            "sensitivity": {
                point.name: proportion(int((probabilities[of_kind] >= point.threshold).sum()), int(of_kind.sum()))
                for point in points
            },
        }
    return figures


def compare(labels: Labels, probabilities_a: Floats, probabilities_b: Floats, seed: int = SEED) -> dict[str, Any]:
    """Return both models' AUC on the same pictures, the ``difference`` a - b with its interval, and a p value.

    The interval resamples pictures for both models at once. ``p_value`` is DeLong's, see ``delong_test``.

    Raises:
        ValueError: if a class has fewer than two pictures.
    """
    test = delong_test(labels, probabilities_a, probabilities_b)
    a, b = _Ranking(labels, probabilities_a), _Ranking(labels, probabilities_b)
    return {
        "images": len(labels),
        "auc_a": area_under_roc(labels, probabilities_a, seed),
        "auc_b": area_under_roc(labels, probabilities_b, seed),
        "difference": _bootstrap(
            test.difference, lambda counts: a.area_under_roc(counts) - b.area_under_roc(counts), len(labels), seed
        ),
        "p_value": test.p_value,
    }


@dataclass(frozen=True)
class DelongTest:
    """AUC a - AUC b on the same pictures, its standard error and the two-sided p value of no difference."""

    difference: float
    standard_error: float
    p_value: float


def delong_test(labels: Labels, scores_a: Floats, scores_b: Floats) -> DelongTest:
    """Return DeLong's test for two AUCs on the same pictures (DeLong et al. 1988; mid-ranks as in Sun & Xu 2014).

    Where the standard error is 0, as for two equal rankings or two perfect ones, p is 1 if the AUCs agree and else 0.

    Args:
        labels: (N,) 0 or 1.
        scores_a: (N,), higher for class 1; only the order matters.
        scores_b: (N,) likewise.

    Raises:
        ValueError: if a class has fewer than two pictures.
    """
    _require(labels, 2)
    positives_a, negatives_a = _placements(labels, scores_a)
    positives_b, negatives_b = _placements(labels, scores_b)
    difference = float(positives_a.mean() - positives_b.mean())
    # The variance of a difference is that of the pictures' own differences: the 2 x 2 covariance is not needed.
    variance = sum(np.var(a - b, ddof=1) / len(a) for a, b in ((positives_a, positives_b), (negatives_a, negatives_b)))
    error = float(np.sqrt(variance))
    p_value = 2 * float(norm.sf(abs(difference) / error)) if error else float(difference == 0)
    return DelongTest(difference, error, p_value)


def _placements(labels: Labels, scores: Floats) -> tuple[Floats, Floats]:
    """Return for each positive the share of negatives below it, for each negative that of positives above it."""
    ranks, positive = rankdata(scores), labels == 1
    positives, negatives = int(positive.sum()), int((~positive).sum())
    below = (ranks[positive] - rankdata(scores[positive])) / negatives
    above = 1 - (ranks[~positive] - rankdata(scores[~positive])) / positives
    return below, above


def estimate_mean(values: Floats, seed: int = SEED) -> MeanEstimate:
    """Return the mean of (N,) values with its 95 % percentile-bootstrap interval.

    Raises:
        ValueError: if there are fewer than two values.
    """
    interval = bootstrap((values,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=seed).confidence_interval
    return MeanEstimate(float(np.mean(values)), float(interval.low), float(interval.high))


class _Ranking:
    """Pictures sorted once, from the highest probability down, so that a resample costs no sorting of its own.

    A resample is (N,) integers: how often each picture was drawn.
    """

    def __init__(self, labels: Labels, probabilities: Floats) -> None:
        self.order = np.argsort(-probabilities, kind="stable")
        self.positive = labels[self.order] == 1
        self.last = np.flatnonzero(np.append(np.diff(probabilities[self.order]), 1))  # of each distinct probability

    def area_under_roc(self, counts: Counts) -> float:
        """Return the AUC of a resample; NaN if it has one class only."""
        true_positives, false_positives = self._called(counts)
        pairs = true_positives[-1] * false_positives[-1]
        return float(np.trapezoid(true_positives, false_positives) / pairs) if pairs else float("nan")

    def average_precision(self, counts: Counts) -> float:
        """Return the average precision of a resample; NaN if it has no positives."""
        true_positives, false_positives = self._called(counts)
        called = np.maximum(true_positives + false_positives, 1)[1:]  # nobody called: the step has no height either
        area = (np.diff(true_positives) * true_positives[1:] / called).sum()
        return float(area / true_positives[-1]) if true_positives[-1] else float("nan")

    def _called(self, counts: Counts) -> tuple[Counts, Counts]:
        """Return true and false positives at each distinct threshold, from none called to all called."""
        drawn = counts[self.order]
        steps = (np.cumsum(drawn * self.positive)[self.last], np.cumsum(drawn * ~self.positive)[self.last])
        return np.append(0, steps[0]), np.append(0, steps[1])


def _f1(labels: Labels, called: npt.NDArray[np.bool_], seed: int) -> Estimate | None:
    """Return F1, the harmonic mean of ppv and sensitivity, with its interval; None without positives of any sort."""
    if not (called.any() or labels.any()):
        return None

    def of_resample(counts: Counts) -> float:
        hits, false_alarms_and_misses = counts[called & (labels == 1)].sum(), counts[called != (labels == 1)].sum()
        either = 2 * hits + false_alarms_and_misses
        return float(2 * hits / either) if either else float("nan")

    return _bootstrap(float(f1_score(labels, called)), of_resample, len(labels), seed)


def _bootstrap(value: float, statistic: Callable[[Counts], float], pictures: int, seed: int) -> Estimate:
    """Return the value with the 2.5 % and 97.5 % quantiles of a statistic over resamples of as many pictures."""
    random = np.random.default_rng(seed)
    resamples = (random.integers(0, pictures, pictures) for _ in range(RESAMPLES))
    values = [statistic(np.bincount(drawn, minlength=pictures)) for drawn in resamples]
    low, high = np.nanquantile(values, (0.025, 0.975))
    return {"value": value, "low": float(low), "high": float(high)}


def _require(labels: Labels, pictures: int) -> None:
    if min((labels == 1).sum(), (labels == 0).sum()) < pictures:
        raise ValueError(f"This figure needs at least {pictures} picture(s) with the finding and as many without it.")
