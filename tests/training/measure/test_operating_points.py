import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from overread.model_folder import OperatingPoint
from overread.probability import sigmoid
from training.measure.calibration import Calibration
from training.measure.operating_points import choose_operating_points, decision_settings

RANDOM = np.random.default_rng(0)


def chosen(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, OperatingPoint]:
    return {point.name: point for point in choose_operating_points(probabilities, labels)}


def test_each_point_meets_its_rule_and_reports_what_it_reaches() -> None:
    labels = RANDOM.integers(0, 2, 2000)
    probabilities = sigmoid(RANDOM.normal(2 * labels - 1, 1.2))
    points = chosen(probabilities, labels)
    for point in points.values():
        (tn, fp), (fn, tp) = confusion_matrix(labels, probabilities >= point.threshold)
        assert point.sensitivity == pytest.approx(tp / (tp + fn))
        assert point.specificity == pytest.approx(tn / (tn + fp))
    assert points["screening"].sensitivity >= 0.95 > points["screening"].sensitivity - 0.01
    assert points["rule-in"].specificity >= 0.95
    assert points["screening"].threshold < points["balanced"].threshold < points["rule-in"].threshold


def test_where_balanced_reaches_the_target_the_target_is_stricter() -> None:
    labels = RANDOM.integers(0, 2, 4000)
    points = chosen(sigmoid(RANDOM.normal(4 * labels - 2, 1.0)), labels)
    assert points["balanced"].sensitivity >= 0.95 and points["balanced"].specificity >= 0.95
    assert points["screening"].sensitivity >= 0.99 and "0.99" in points["screening"].rule
    assert points["rule-in"].specificity >= 0.99
    assert points["screening"].threshold < points["balanced"].threshold < points["rule-in"].threshold


def test_with_perfect_separation_all_thresholds_lie_between_the_classes() -> None:
    points = chosen(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]))
    assert points["balanced"].sensitivity == points["balanced"].specificity == 1.0
    assert all(0.2 < point.threshold < 0.8 for point in points.values())


def test_the_settings_hold_calibration_and_points_by_name() -> None:
    probabilities, labels = np.array([0.1, 0.6, 0.4, 0.9]), np.array([0, 0, 1, 1])
    settings = decision_settings(Calibration(0.5, -1.0), "validation", probabilities, labels)
    assert settings["calibration"] == {
        "method": "Platt scaling",
        "split": "validation",
        "slope": 0.5,
        "intercept": -1.0,
    }
    assert list(settings["operating_points"]) == ["screening", "balanced", "rule-in"]
    point = chosen(probabilities, labels)["rule-in"]
    assert settings["operating_points"]["rule-in"] == {
        "threshold": point.threshold,
        "sensitivity": point.sensitivity,
        "specificity": point.specificity,
        "rule": point.rule,
    }
