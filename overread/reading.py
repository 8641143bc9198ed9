"""A probability in words: three answers, and the words of a decision that was forced at one operating point."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from overread.model_folder import NEEDED_POINTS, OperatingPoint

SCREENING, RULE_IN = NEEDED_POINTS
CANNOT_TELL = "can't tell"
NOT_RULED_IN, NOT_RULED_OUT = "not ruled in", "not ruled out"

Answer = Literal["negative", "cannot tell", "positive"]


@dataclass(frozen=True)
class Reading:
    """One of three answers.

    Attributes:
        answer: "negative" below the screening threshold, "positive" from the rule-in threshold on, else "cannot tell".
        text: the same for people: "no sign of pneumonia", "can't tell" or "pneumonia".
    """

    answer: Answer
    text: str


def read(probability: float, finding: str, points: Mapping[str, OperatingPoint]) -> Reading:
    """Return the answer that the screening and the rule-in threshold give.

    Args:
        probability: calibrated, of the finding.
        finding: such as "pneumonia".
        points: the model's operating points by name, "screening" and "rule-in" among them.
    """
    if probability < points[SCREENING].threshold:
        return Reading("negative", f"no sign of {finding}")
    if probability >= points[RULE_IN].threshold:
        return Reading("positive", finding)
    return Reading("cannot tell", CANNOT_TELL)


def decide(
    probability: float, point: OperatingPoint, labels: tuple[str, str], points: Mapping[str, OperatingPoint]
) -> str:
    """Return the words of the decision at one operating point.

    A screening threshold rules out and a rule-in threshold rules in: what lies on the other side of either is no
    finding. The label without it, such as "normal", is used for probabilities below the screening threshold only.

    Args:
        probability: calibrated, of the finding.
        point: whose threshold decides.
        labels: without and with the finding, such as "normal" and "pneumonia".
        points: the model's operating points by name, "screening" among them.
    """
    positive = probability >= point.threshold
    if point.name == SCREENING:
        return NOT_RULED_OUT if positive else labels[0]
    if positive:
        return labels[1]
    if point.name == RULE_IN:
        return NOT_RULED_IN
    return labels[0] if probability < points[SCREENING].threshold else NOT_RULED_OUT


def members_disagree(members: Mapping[str, float], threshold: float) -> bool:
    """Return whether an ensemble's members fall on different sides of a threshold; False for a single net.

    Args:
        members: calibrated probability of the finding by member.
        threshold: the ensemble's, at the operating point that decides.
    """
    return len({probability >= threshold for probability in members.values()}) > 1
