import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.training.measure.labelled_probabilities import LABELS, A, B, overlapping
from training.measure import intervals
from training.measure.delong import DelongTest, compare, delong_test
from training.measure.ranking import area_under_roc

RESAMPLES = 100


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", RESAMPLES)


def test_delong_agrees_with_another_implementation() -> None:
    """pauc 0.2.2 (PyPI): Z = 1.3754, p = 0.169; variance of A's AUC 0.00900449465500486."""
    found = delong_test(LABELS, A, B)
    assert found.difference == pytest.approx(roc_auc_score(LABELS, A) - roc_auc_score(LABELS, B))
    assert found.difference / found.standard_error == pytest.approx(1.3754, abs=5e-5)
    assert found.p_value == pytest.approx(0.169, abs=5e-4)
    # Against scores that are all equal, which have no variance, the error is that of A's AUC alone.
    assert delong_test(LABELS, A, np.zeros(15)).standard_error ** 2 == pytest.approx(0.00900449465500486)


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
    found = delong_test(LABELS, A, B)
    assert found.difference == pytest.approx(areas[0] - areas[1])
    assert found.standard_error == pytest.approx(np.sqrt(contrast @ covariance @ contrast))


def test_without_a_signal_delongs_variance_is_that_of_mann_whitney() -> None:
    random, labels = np.random.default_rng(5), np.repeat([0, 1], [40, 25])
    errors = [delong_test(labels, random.random(65), np.zeros(65)).standard_error for _ in range(200)]
    assert np.mean(np.square(errors)) == pytest.approx((40 + 25 + 1) / (12 * 40 * 25), rel=0.05)


def test_without_a_difference_one_p_value_in_twenty_is_below_005() -> None:
    random, labels = np.random.default_rng(6), np.repeat([0, 1], 50)
    p_values = [
        delong_test(labels, *(labels + random.normal(0, 1, (2, 100)) + random.normal(0, 1, 100))).p_value
        for _ in range(300)
    ]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.04)
    assert np.median(p_values) == pytest.approx(0.5, abs=0.1)


def test_equal_rankings_have_no_difference() -> None:
    found = compare(LABELS, A, A**2)  # the same order on another scale
    assert found["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert found["p_value"] == 1.0
    assert found["auc_a"] == found["auc_b"] == area_under_roc(LABELS, A)


def test_two_rankings_without_variance_have_p_zero_if_they_differ() -> None:
    assert delong_test(LABELS, LABELS * 1.0, LABELS * -1.0) == DelongTest(1.0, 0.0, 0.0)


def test_the_paired_interval_agrees_with_delongs_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 1000)
    labels, a = overlapping(600, seed=7, distance=1.5)
    b = a + np.random.default_rng(8).normal(0, 0.15, 600)
    found, test = compare(labels, a, b), delong_test(labels, a, b)
    difference = found["difference"]
    assert difference["value"] == pytest.approx(found["auc_a"]["value"] - found["auc_b"]["value"])
    assert (difference["high"] - difference["low"]) / (2 * 1.96) == pytest.approx(test.standard_error, rel=0.08)
    assert difference["low"] > 0 and found["p_value"] < 0.05
    # Pairing narrows the interval: images that are hard for both models cancel.
    assert difference["high"] - difference["low"] < 0.8 * (found["auc_a"]["high"] - found["auc_a"]["low"])
    swapped = compare(labels, b, a)
    assert swapped["p_value"] == pytest.approx(found["p_value"])
    assert swapped["difference"]["high"] == pytest.approx(-difference["low"])


def test_a_comparison_needs_two_images_of_each_class() -> None:
    with pytest.raises(ValueError, match="at least 2 image"):
        compare(np.array([0, 0, 1]), np.array([0.1, 0.2, 0.3]), np.array([0.3, 0.2, 0.1]))
