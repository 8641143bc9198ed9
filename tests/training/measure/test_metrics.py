import json
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import average_precision_score, confusion_matrix, f1_score, roc_auc_score

from overread.model_folder import OperatingPoint
from training.measure import metrics
from training.measure.metrics import Estimate, Floats, Labels

# Fifteen pictures with ties, within a class and across.
LABELS = np.array([0] * 8 + [1] * 7)
A = np.array([0.05, 0.10, 0.20, 0.30, 0.30, 0.45, 0.60, 0.15, 0.40, 0.55, 0.60, 0.70, 0.80, 0.90, 0.25])
B = np.array([0.10, 0.30, 0.20, 0.50, 0.40, 0.35, 0.70, 0.60, 0.30, 0.65, 0.20, 0.80, 0.45, 0.75, 0.50])
RESAMPLES = 100


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "RESAMPLES", RESAMPLES)


def point(threshold: float, name: str = "balanced") -> OperatingPoint:
    return OperatingPoint(name, threshold, 0.0, 0.0, "")


def overlapping(pictures: int, seed: int, distance: float = 1.0) -> tuple[Labels, Floats]:
    random = np.random.default_rng(seed)
    labels = np.arange(pictures) % 2
    return labels, np.round(1 / (1 + np.exp(-random.normal(distance * labels, 1.0))), 2)  # rounded: with ties


@pytest.mark.parametrize(
    ("ours", "reference"),
    [(metrics.area_under_roc, roc_auc_score), (metrics.average_precision, average_precision_score)],
)
def test_values_and_intervals_are_those_of_scikit_learn_and_scipy(
    ours: Callable[..., Estimate],
    reference: Callable[..., float],
) -> None:
    labels, probabilities = overlapping(61, seed=1)
    expected = bootstrap(
        (labels, probabilities),
        reference,
        paired=True,
        vectorized=False,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=7,
    ).confidence_interval
    found = ours(labels, probabilities, seed=7)
    assert found["value"] == pytest.approx(reference(labels, probabilities))
    assert (found["low"], found["high"]) == pytest.approx((expected.low, expected.high))
    assert ours(labels, probabilities, seed=8) != found


def test_the_interval_of_f1_is_scipys() -> None:
    labels, probabilities = overlapping(61, seed=2)
    called = (probabilities >= 0.6).astype(int)
    expected = bootstrap(
        (labels, called), f1_score, paired=True, vectorized=False, n_resamples=RESAMPLES, method="percentile", rng=7
    ).confidence_interval
    found = metrics.at_operating_point(labels, probabilities, point(0.6), seed=7)["f1"]
    assert found == pytest.approx({"value": f1_score(labels, called), "low": expected.low, "high": expected.high})


def test_resamples_of_one_class_are_left_out() -> None:
    labels, probabilities = np.array([0, 0, 0, 1]), np.array([0.1, 0.6, 0.2, 0.4])  # a third of them lack the positive
    figures = metrics.measure(labels, probabilities, [point(0.5)])
    json.dumps(figures, allow_nan=False)
    assert figures["auc"] == {"value": pytest.approx(2 / 3), "low": 0.0, "high": 1.0}
    assert figures["average_precision"]["value"] == 0.5  # of the two highest, one is positive


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),  # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_proportions_have_the_published_wilson_intervals(successes: int, trials: int, low: float, high: float) -> None:
    expected = {"value": successes / trials, "low": low, "high": high}
    assert metrics.proportion(successes, trials) == pytest.approx(expected, abs=5e-5)


def test_counts_and_rates_at_a_threshold_are_those_of_the_confusion_matrix() -> None:
    labels, probabilities = overlapping(301, seed=3)
    (tn, fp), (fn, tp) = confusion_matrix(labels, probabilities >= 0.7)
    found = metrics.at_operating_point(labels, probabilities, point(0.7))
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


def test_a_picture_at_the_threshold_is_called_positive() -> None:
    assert metrics.at_operating_point(np.array([0, 1]), np.array([0.2, 0.5]), point(0.5))["true_positive"] == 1


def test_where_everybody_is_called_positive_npv_is_null() -> None:
    found = metrics.at_operating_point(LABELS, A, point(0.0))
    assert found["npv"] is None
    assert found["ppv"]["value"] == pytest.approx(7 / 15)
    assert (found["sensitivity"]["value"], found["specificity"]["value"]) == (1.0, 0.0)


def test_where_nobody_is_called_positive_ppv_is_null() -> None:
    found = metrics.at_operating_point(LABELS, A, point(1.0))
    assert found["ppv"] is None
    assert found["npv"]["value"] == pytest.approx(8 / 15)
    assert found["f1"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    json.dumps(found, allow_nan=False)


def test_without_positives_of_any_sort_f1_is_null() -> None:
    found = metrics.at_operating_point(np.array([0, 0]), np.array([0.1, 0.2]), point(0.5))
    assert found["f1"] is None and found["sensitivity"] is None and found["specificity"]["value"] == 1.0


def test_perfect_separation_is_one_everywhere() -> None:
    figures = metrics.measure(LABELS, np.where(LABELS == 1, 0.9, 0.1), [point(0.5)])
    one = {"value": 1.0, "low": 1.0, "high": 1.0}
    assert figures["auc"] == figures["average_precision"] == figures["operating_points"]["balanced"]["f1"] == one


def test_calibration_error_and_brier_score_by_hand() -> None:
    found = metrics.calibration(np.array([0, 1, 1, 1]), np.array([0.1, 0.1, 0.9, 0.9]))
    assert found["ece"] == pytest.approx((abs(0.1 - 0.5) + abs(0.9 - 1.0)) / 2)
    assert found["brier"] == pytest.approx((0.01 + 0.81 + 0.01 + 0.01) / 4)


def test_a_split_is_measured_before_and_after_calibration() -> None:
    labels, probabilities = overlapping(101, seed=4)
    before = probabilities**3
    figures = metrics.measure(labels, probabilities, [point(0.2, "screening"), point(0.8, "rule-in")], before)
    assert (figures["images"], figures["positives"]) == (101, 50)
    assert {"ece": figures["ece"], "brier": figures["brier"]} == metrics.calibration(labels, probabilities)
    assert {"ece": figures["ece_before"], "brier": figures["brier_before"]} == metrics.calibration(labels, before)
    assert figures["operating_points"]["rule-in"] == metrics.at_operating_point(labels, probabilities, point(0.8))
    assert "ece_before" not in metrics.measure(labels, probabilities, [])


def test_a_split_of_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 picture"):
        metrics.measure(np.zeros(5, int), np.linspace(0, 1, 5), [])


def test_delong_agrees_with_another_implementation() -> None:
    """pauc 0.2.2 (PyPI): Z = 1.3754, p = 0.169; variance of A's AUC 0.00900449465500486."""
    found = metrics.delong_test(LABELS, A, B)
    assert found.difference == pytest.approx(roc_auc_score(LABELS, A) - roc_auc_score(LABELS, B))
    assert found.difference / found.standard_error == pytest.approx(1.3754, abs=5e-5)
    assert found.p_value == pytest.approx(0.169, abs=5e-4)
    # Against scores that are all equal, which have no variance, the error is that of A's AUC alone.
    assert metrics.delong_test(LABELS, A, np.zeros(15)).standard_error ** 2 == pytest.approx(0.00900449465500486)


def test_delong_is_the_covariance_of_pairwise_comparisons() -> None:
    """Equations 3 to 6 of DeLong et al. 1988, pair by pair."""
    areas, sections = [], []
    for scores in (A, B):
        pairs = scores[LABELS == 1][:, None] - scores[LABELS == 0]
        kernel = (pairs > 0) + 0.5 * (pairs == 0)  # (7, 8)
        areas.append(kernel.mean())
        sections.append((kernel.mean(axis=1), kernel.mean(axis=0)))
    covariance = sum(np.cov([a, b]) / len(a) for a, b in zip(*sections, strict=True))
    contrast = np.array([1, -1])
    found = metrics.delong_test(LABELS, A, B)
    assert found.difference == pytest.approx(areas[0] - areas[1])
    assert found.standard_error == pytest.approx(np.sqrt(contrast @ covariance @ contrast))


def test_without_a_signal_delongs_variance_is_that_of_mann_whitney() -> None:
    random, labels = np.random.default_rng(5), np.repeat([0, 1], [40, 25])
    errors = [metrics.delong_test(labels, random.random(65), np.zeros(65)).standard_error for _ in range(200)]
    assert np.mean(np.square(errors)) == pytest.approx((40 + 25 + 1) / (12 * 40 * 25), rel=0.05)


def test_without_a_difference_one_p_value_in_twenty_is_below_005() -> None:
    random, labels = np.random.default_rng(6), np.repeat([0, 1], 50)
    p_values = [
        metrics.delong_test(labels, *(labels + random.normal(0, 1, (2, 100)) + random.normal(0, 1, 100))).p_value
        for _ in range(300)
    ]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.04)
    assert np.median(p_values) == pytest.approx(0.5, abs=0.1)


def test_two_equal_models_do_not_differ() -> None:
    found = metrics.compare(LABELS, A, A**2)  # another scale, the same order
    assert found["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert found["p_value"] == 1.0
    assert found["auc_a"] == found["auc_b"] == metrics.area_under_roc(LABELS, A)


def test_opposite_rankings_without_an_error_differ_for_sure() -> None:
    assert metrics.delong_test(LABELS, LABELS * 1.0, LABELS * -1.0) == metrics.DelongTest(1.0, 0.0, 0.0)


def test_the_paired_interval_agrees_with_delongs_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "RESAMPLES", 1000)
    labels, a = overlapping(600, seed=7, distance=1.5)
    b = a + np.random.default_rng(8).normal(0, 0.15, 600)
    found, test = metrics.compare(labels, a, b), metrics.delong_test(labels, a, b)
    difference = found["difference"]
    assert difference["value"] == pytest.approx(found["auc_a"]["value"] - found["auc_b"]["value"])
    assert (difference["high"] - difference["low"]) / (2 * 1.96) == pytest.approx(test.standard_error, rel=0.08)
    assert difference["low"] > 0 and found["p_value"] < 0.05
    # Pairing matters: what both models find hard is not a difference between them.
    assert difference["high"] - difference["low"] < 0.8 * (found["auc_a"]["high"] - found["auc_a"]["low"])
    swapped = metrics.compare(labels, b, a)
    assert swapped["p_value"] == pytest.approx(found["p_value"])
    assert swapped["difference"]["high"] == pytest.approx(-difference["low"])


def test_a_comparison_needs_two_pictures_of_each_class() -> None:
    with pytest.raises(ValueError, match="at least 2 picture"):
        metrics.compare(np.array([0, 0, 1]), np.array([0.1, 0.2, 0.3]), np.array([0.3, 0.2, 0.1]))


def test_each_kind_of_positive_is_measured_against_all_negatives() -> None:
    labels, probabilities = overlapping(200, seed=9)
    kinds = np.where(np.arange(200) % 4 == 1, "virus", "bacteria")
    kinds[labels == 0] = "normal"
    found = metrics.subgroup_auc(labels, probabilities, kinds, [point(0.4, "screening"), point(0.6)])
    assert list(found) == ["bacteria", "virus"]
    for kind, figures in found.items():
        chosen = (labels == 0) | (kinds == kind)
        assert figures["positives"] == 50
        assert figures["auc"]["value"] == pytest.approx(roc_auc_score(labels[chosen], probabilities[chosen]))
        assert figures["auc"]["low"] < figures["auc"]["value"] < figures["auc"]["high"]
        reached = (probabilities[kinds == kind] >= 0.6).mean()
        assert figures["sensitivity"]["balanced"]["value"] == pytest.approx(reached)
        assert figures["sensitivity"]["screening"]["value"] > reached
