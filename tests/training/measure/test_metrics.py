import json

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import confusion_matrix, f1_score, roc_auc_score

from overread.model_folder import OperatingPoint
from tests.training.measure.labelled_probabilities import LABELS, A, overlapping
from training.measure import intervals
from training.measure.metrics import at_operating_point, calibration_error, measure, subgroup_auc

RESAMPLES = 100


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", RESAMPLES)


def point(threshold: float, name: str = "balanced") -> OperatingPoint:
    return OperatingPoint(name, threshold, 0.0, 0.0, "")


def test_the_interval_of_f1_equals_scipys() -> None:
    labels, probabilities = overlapping(61, seed=2)
    called = (probabilities >= 0.6).astype(int)
    expected = bootstrap(
        (labels, called), f1_score, paired=True, vectorized=False, n_resamples=RESAMPLES, method="percentile", rng=7
    ).confidence_interval
    found = at_operating_point(labels, probabilities, point(0.6), seed=7)["f1"]
    assert found == pytest.approx({"value": f1_score(labels, called), "low": expected.low, "high": expected.high})


def test_resamples_with_one_class_are_left_out() -> None:
    labels, probabilities = np.array([0, 0, 0, 1]), np.array([0.1, 0.6, 0.2, 0.4])  # a third of them lack the positive
    figures = measure(labels, probabilities, [point(0.5)])
    json.dumps(figures, allow_nan=False)
    assert figures["auc"] == {"value": pytest.approx(2 / 3), "low": 0.0, "high": 1.0}
    assert figures["average_precision"]["value"] == 0.5  # of the two highest, one is positive


def test_counts_and_rates_at_a_threshold_are_those_of_the_confusion_matrix() -> None:
    labels, probabilities = overlapping(301, seed=3)
    (tn, fp), (fn, tp) = confusion_matrix(labels, probabilities >= 0.7)
    found = at_operating_point(labels, probabilities, point(0.7))
    assert found["threshold"] == 0.7
    counts = [found[name] for name in ("true_negative", "false_positive", "false_negative", "true_positive")]
    assert counts == [tn, fp, fn, tp]
    rates = {
        "sensitivity": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "accuracy": (tp + tn) / 301,
        "ppv": tp / (tp + fp),
        "npv": tn / (tn + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
    }
    assert {name: found[name]["value"] for name in rates} == pytest.approx(rates)
    assert all(found[name]["low"] < rates[name] < found[name]["high"] for name in rates)


def test_an_image_at_the_threshold_is_positive() -> None:
    assert at_operating_point(np.array([0, 1]), np.array([0.2, 0.5]), point(0.5))["true_positive"] == 1


def test_without_negative_predictions_npv_is_null() -> None:
    found = at_operating_point(LABELS, A, point(0.0))
    assert found["npv"] is None
    assert found["ppv"]["value"] == pytest.approx(7 / 15)
    assert (found["sensitivity"]["value"], found["specificity"]["value"]) == (1.0, 0.0)


def test_without_positive_predictions_ppv_is_null() -> None:
    found = at_operating_point(LABELS, A, point(1.0))
    assert found["ppv"] is None
    assert found["npv"]["value"] == pytest.approx(8 / 15)
    assert found["f1"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    json.dumps(found, allow_nan=False)


def test_without_labelled_or_predicted_positives_f1_is_null() -> None:
    found = at_operating_point(np.array([0, 0]), np.array([0.1, 0.2]), point(0.5))
    assert found["f1"] is None and found["sensitivity"] is None and found["specificity"]["value"] == 1.0


def test_perfect_separation_scores_one() -> None:
    figures = measure(LABELS, np.where(LABELS == 1, 0.9, 0.1), [point(0.5)])
    one = {"value": 1.0, "low": 1.0, "high": 1.0}
    assert figures["auc"] == figures["average_precision"] == figures["operating_points"]["balanced"]["f1"] == one


def test_calibration_error_and_brier_score_equal_manual_computation() -> None:
    found = calibration_error(np.array([0, 1, 1, 1]), np.array([0.1, 0.1, 0.9, 0.9]))
    assert found["ece"] == pytest.approx((abs(0.1 - 0.5) + abs(0.9 - 1.0)) / 2)
    assert found["brier"] == pytest.approx((0.01 + 0.81 + 0.01 + 0.01) / 4)


def test_a_split_is_measured_before_and_after_calibration() -> None:
    labels, probabilities = overlapping(101, seed=4)
    before = probabilities**3
    figures = measure(labels, probabilities, [point(0.2, "screening"), point(0.8, "rule-in")], before)
    assert (figures["images"], figures["positives"]) == (101, 50)
    assert {"ece": figures["ece"], "brier": figures["brier"]} == calibration_error(labels, probabilities)
    assert {"ece": figures["ece_before"], "brier": figures["brier_before"]} == calibration_error(labels, before)
    assert figures["operating_points"]["rule-in"] == at_operating_point(labels, probabilities, point(0.8))
    assert "ece_before" not in measure(labels, probabilities, [])


def test_a_split_of_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 image"):
        measure(np.zeros(5, int), np.linspace(0, 1, 5), [])


def test_each_kind_of_positive_is_compared_with_all_negatives() -> None:
    labels, probabilities = overlapping(200, seed=9)
    kinds = np.where(np.arange(200) % 4 == 1, "virus", "bacteria")
    kinds[labels == 0] = "normal"
    found = subgroup_auc(labels, probabilities, kinds, [point(0.4, "screening"), point(0.6)])
    assert list(found) == ["bacteria", "virus"]
    for kind, figures in found.items():
        chosen = (labels == 0) | (kinds == kind)
        assert figures["positives"] == 50
        assert figures["auc"]["value"] == pytest.approx(roc_auc_score(labels[chosen], probabilities[chosen]))
        assert figures["auc"]["low"] < figures["auc"]["value"] < figures["auc"]["high"]
        reached = (probabilities[kinds == kind] >= 0.6).mean()
        assert figures["sensitivity"]["balanced"]["value"] == pytest.approx(reached)
        assert figures["sensitivity"]["screening"]["value"] > reached
