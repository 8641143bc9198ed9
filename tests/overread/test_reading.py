import pytest

from overread.model_folder import OperatingPoint
from overread.reading import Reading, decide, members_disagree, read

LABELS = ("normal", "pneumonia")
POINTS = {
    name: OperatingPoint(name, threshold, 0.95, 0.95, "by hand")
    for name, threshold in (("screening", 0.2), ("balanced", 0.5), ("rule-in", 0.9))
}


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (0.0, Reading("negative", "no sign of pneumonia")),
        (0.19, Reading("negative", "no sign of pneumonia")),
        (0.2, Reading("cannot tell", "can't tell")),
        (0.89, Reading("cannot tell", "can't tell")),
        (0.9, Reading("positive", "pneumonia")),
        (1.0, Reading("positive", "pneumonia")),
    ],
)
def test_screening_and_rule_in_cut_the_scale_into_three_answers(probability: float, expected: Reading) -> None:
    assert read(probability, "pneumonia", POINTS) == expected


@pytest.mark.parametrize(
    ("point", "probability", "expected"),
    [
        ("screening", 0.1, "normal"),
        ("screening", 0.2, "not ruled out"),
        ("screening", 0.95, "not ruled out"),
        ("balanced", 0.1, "normal"),
        ("balanced", 0.3, "not ruled out"),
        ("balanced", 0.5, "pneumonia"),
        ("rule-in", 0.1, "not ruled in"),
        ("rule-in", 0.89, "not ruled in"),
        ("rule-in", 0.9, "pneumonia"),
    ],
)
def test_the_words_of_a_decision_follow_its_operating_point(point: str, probability: float, expected: str) -> None:
    assert decide(probability, POINTS[point], LABELS, POINTS) == expected


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_normal_is_never_said_from_the_screening_threshold_on(point: OperatingPoint) -> None:
    said = [decide(probability / 100, point, LABELS, POINTS) for probability in range(20, 101)]
    assert "normal" not in said


def test_no_finding_is_said_below_the_threshold_that_decides() -> None:
    for point in POINTS.values():
        below = [decide(share / 100 * point.threshold, point, LABELS, POINTS) for share in range(100)]
        assert "pneumonia" not in below


def test_where_all_thresholds_are_equal_every_image_gets_an_answer() -> None:
    points = {name: OperatingPoint(name, 0.5, 1.0, 1.0, "by hand") for name in POINTS}
    assert {read(probability / 10, "pneumonia", points).answer for probability in range(11)} == {"negative", "positive"}


def test_members_on_different_sides_of_the_threshold_disagree() -> None:
    assert members_disagree({"a": 0.4, "b": 0.6}, 0.5)
    assert not members_disagree({"a": 0.5, "b": 0.9}, 0.5)  # at the threshold is on its upper side
    assert not members_disagree({"a": 0.1, "b": 0.4}, 0.5)
    assert not members_disagree({}, 0.5)  # a single net has no members
