"""Selective prediction: how often a model that may say "can't tell" answers, and how right its answers are."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from overread.model_folder import OperatingPoint
from overread.reading import RULE_IN, SCREENING
from training.measure.intervals import SEED, Floats, bootstrap_images, proportion

Labels = npt.NDArray[np.integer]

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


def three_answers(labels: Labels, probabilities: Floats, points: Mapping[str, OperatingPoint]) -> dict[str, Any]:
    """Return the figures of the answers that the screening and the rule-in threshold give, with Wilson intervals.

    ``answered`` is the proportion of images below the one or from the other on; ``sensitivity``, ``specificity``,
    ``accuracy``, ``ppv`` and ``npv`` are those of the answered images. ``cannot_tell`` has the proportion without an
    answer by class.

    Args:
        labels: (N,) 0 or 1.
        probabilities: (N,) calibrated, of class 1.
        points: the model's operating points by name.
    """
    negative = probabilities < points[SCREENING].threshold
    positive = probabilities >= points[RULE_IN].threshold
    answered, finding = negative | positive, labels == 1
    true_positive, true_negative = int((positive & finding).sum()), int((negative & ~finding).sum())
    return {
        "images": len(labels),
        "answered": proportion(int(answered.sum()), len(labels)),
        "sensitivity": proportion(true_positive, int((answered & finding).sum())),
        "specificity": proportion(true_negative, int((answered & ~finding).sum())),
        "accuracy": proportion(true_positive + true_negative, int(answered.sum())),
        "ppv": proportion(true_positive, int(positive.sum())),
        "npv": proportion(true_negative, int(negative.sum())),
        "cannot_tell": {
            "with the finding": proportion(int((~answered & finding).sum()), int(finding.sum())),
            "without the finding": proportion(int((~answered & ~finding).sum()), int((~finding).sum())),
        },
    }


def risk_coverage(labels: Labels, log_odds: Floats, threshold: float, seed: int = SEED) -> dict[str, Any]:
    """Return the risk-coverage curve of the decisions at one threshold (El-Yaniv & Wiener 2010) and the area under it.

    Images are answered in the order of confidence, which is the distance of their log-odds from the threshold's; risk
    is the proportion of wrong decisions among those answered. ``aurc`` is the mean risk over all coverages 1/N ... 1
    (Geifman & El-Yaniv 2017), with its 95 % bootstrap interval; ``aurc_best`` is that of an order which puts every
    wrong decision last, ``aurc_random`` that of a random order. Equal confidences share their risk.

    Args:
        labels: (N,) 0 or 1.
        log_odds: (N,) of class 1.
        threshold: on the probability, strictly between 0 and 1.
        seed: of the bootstrap.
    """
    wrong, group = _by_confidence(labels, log_odds, threshold)

    def area(counts: npt.NDArray[np.integer]) -> float:
        return float(_risks(np.bincount(group, counts), np.bincount(group, counts * wrong)).mean())

    images, errors = len(labels), int(wrong.sum())
    curve = risks(labels, log_odds, threshold)
    answered = np.arange(1, images + 1)
    return {
        "threshold": threshold,
        "aurc": bootstrap_images(float(curve.mean()), area, images, seed),
        "aurc_best": float((np.maximum(0, answered - (images - errors)) / answered).mean()),
        "aurc_random": errors / images,
        "curve": [
            {"coverage": coverage, "risk": float(curve[max(1, round(coverage * images)) - 1])} for coverage in COVERAGES
        ],
    }


def risks(labels: Labels, log_odds: Floats, threshold: float) -> Floats:
    """Return (N,) the risk at each coverage 1/N ... 1; arguments as for ``risk_coverage``."""
    wrong, group = _by_confidence(labels, log_odds, threshold)
    return _risks(np.bincount(group), np.bincount(group, wrong))


def _by_confidence(
    labels: Labels, log_odds: Floats, threshold: float
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return (N,) whether each decision is wrong, and (N,) groups of equal confidence, the surest first.

    The order within a group is random, so its images share their risk.
    """
    limit = np.log(threshold / (1 - threshold))
    wrong = (log_odds >= limit) != (labels == 1)
    _, group = np.unique(-np.abs(log_odds - limit), return_inverse=True)
    return wrong, group


def _risks(sizes: npt.NDArray[Any], errors: npt.NDArray[Any]) -> Floats:
    """Return (N,) the proportion of wrong decisions after each answered image, group by group.

    Args:
        sizes: (G,) images in each group, N in all.
        errors: (G,) wrong decisions in each group; they are spread evenly over it.
    """
    each = np.repeat(errors / np.maximum(sizes, 1), sizes.astype(np.int64))
    return np.cumsum(each) / np.arange(1, len(each) + 1)
