import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix

from overread.model_folder import OperatingPoint
from overread.probability import sigmoid
from training.measure import intervals
from training.measure.selective import risk_coverage, three_answers

POINTS = {
    name: OperatingPoint(name, threshold, 0.95, 0.95, "by hand")
    for name, threshold in (("screening", 0.3), ("balanced", 0.5), ("rule-in", 0.8))
}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 100)


def overlapping(images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(images) % 2
    return labels, np.random.default_rng(seed).normal(3.0 * labels - 1.5, 1.5)


def test_answers_are_measured_on_the_answered_images_only() -> None:
    labels, log_odds = overlapping(301, seed=1)
    probabilities = sigmoid(log_odds)
    answered = (probabilities < 0.3) | (probabilities >= 0.8)
    (tn, fp), (fn, tp) = confusion_matrix(labels[answered], probabilities[answered] >= 0.8)
    found = three_answers(labels, probabilities, POINTS)
    expected = {
        "answered": answered.mean(),
        "sensitivity": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "accuracy": accuracy_score(labels[answered], probabilities[answered] >= 0.8),
        "ppv": tp / (tp + fp),
        "npv": tn / (tn + fn),
    }
    assert {name: found[name]["value"] for name in expected} == pytest.approx(expected)
    assert found["answered"]["low"] < found["answered"]["value"] < found["answered"]["high"]
    without = found["cannot_tell"]
    assert without["with the finding"]["value"] == pytest.approx((~answered)[labels == 1].mean())
    assert without["without the finding"]["value"] == pytest.approx((~answered)[labels == 0].mean())


def test_where_nothing_is_answered_the_figures_of_answers_are_null() -> None:
    found = three_answers(np.array([0, 1]), np.array([0.5, 0.6]), POINTS)
    assert found["answered"]["value"] == 0.0
    assert found["accuracy"] is None and found["sensitivity"] is None and found["npv"] is None
    json.dumps(found, allow_nan=False)


def test_aurc_by_hand() -> None:
    """By falling confidence: right, wrong, right, right; risks 0, 1/2, 1/3, 1/4."""
    labels, log_odds = np.array([1, 0, 0, 1]), np.array([4.0, 3.0, -2.0, 1.0])
    found = risk_coverage(labels, log_odds, 0.5)
    assert found["aurc"]["value"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert found["aurc_best"] == pytest.approx(1 / 4 / 4)  # the wrong one last
    assert found["aurc_random"] == pytest.approx(1 / 4)
    assert found["curve"][0] == {"coverage": 0.5, "risk": 0.5}
    assert found["curve"][-1] == {"coverage": 1.0, "risk": 0.25}


def test_confidence_is_the_distance_from_the_threshold() -> None:
    labels, log_odds = overlapping(200, seed=2)
    moved = float(sigmoid(1.0))
    assert risk_coverage(labels, log_odds + 1.0, moved)["aurc"] == pytest.approx(
        risk_coverage(labels, log_odds, 0.5)["aurc"]
    )


def test_equal_confidences_share_their_risk_in_whatever_order_they_come() -> None:
    log_odds = np.array([2.0, 2.0, 2.0, -1.0])
    for labels in ([1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 0, 0]):
        assert risk_coverage(np.array(labels), log_odds, 0.5)["aurc"]["value"] == pytest.approx(
            (1 / 3 + 1 / 3 + 1 / 3 + 1 / 4) / 4
        )


def test_a_ranking_by_confidence_beats_chance_and_lies_in_its_interval() -> None:
    labels, log_odds = overlapping(400, seed=3)
    found = risk_coverage(labels, log_odds, 0.5)
    assert found["aurc_best"] < found["aurc"]["value"] < 0.5 * found["aurc_random"]
    assert found["aurc"]["low"] < found["aurc"]["value"] < found["aurc"]["high"]
    risks = [point["risk"] for point in found["curve"]]
    assert risks[0] < risks[-1] == pytest.approx(found["aurc_random"])


def test_without_an_error_the_area_is_zero() -> None:
    found = risk_coverage(np.array([0, 1, 1]), np.array([-2.0, 1.0, 3.0]), 0.5)
    assert found["aurc"] == {"value": 0.0, "low": 0.0, "high": 0.0} and found["aurc_best"] == 0.0
