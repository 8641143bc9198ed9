"""What each of the three answers was worth on test data, from the counts in a model's ``evaluation.json``."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose, sqrt
from typing import Any

from overread.model_folder import OperatingPoint
from overread.reading import RULE_IN, SCREENING, Answer

Z95 = 1.959964  # of the standard normal distribution, for 95 % intervals


@dataclass(frozen=True)
class AnswerCounts:
    """How many test images with and without the finding got one of the three answers.

    Attributes:
        with_finding: of those that got this answer.
        without: likewise.
        all_with_finding: in the test split.
        all_without: likewise.
    """

    with_finding: int
    without: int
    all_with_finding: int
    all_without: int

    @property
    def answered(self) -> int:
        """Images that got this answer."""
        return self.with_finding + self.without


def answer_counts(test: Mapping[str, Any] | None, points: Mapping[str, OperatingPoint]) -> dict[Answer, AnswerCounts]:
    """Return the counts by answer; empty if the model was not evaluated, or at other thresholds than it has now.

    Args:
        test: the test split's results, see ``overread.reported_figures.on_test_split``.
        points: the model's operating points by name.
    """
    if test is None:
        return {}
    low, high = (test["operating_points"].get(name) for name in (SCREENING, RULE_IN))
    for name, counted in ((SCREENING, low), (RULE_IN, high)):
        if counted is None or not isclose(counted.get("threshold", -1), points[name].threshold, abs_tol=1e-9):
            return {}
    positives, negatives = test["positives"], test["images"] - test["positives"]
    sides: dict[Answer, tuple[int, int]] = {
        "negative": (low["false_negative"], low["true_negative"]),
        "positive": (high["true_positive"], high["false_positive"]),
        "cannot tell": (
            low["true_positive"] - high["true_positive"],
            low["false_positive"] - high["false_positive"],
        ),
    }
    return {answer: AnswerCounts(*side, positives, negatives) for answer, side in sides.items()}


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % score interval of a proportion (Wilson 1927); (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, Z95**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = Z95 * sqrt(share * (1 - share) / trials + square / (4 * trials**2)) / (1 + square / trials)
    return max(0.0, centre - half), min(1.0, centre + half)
