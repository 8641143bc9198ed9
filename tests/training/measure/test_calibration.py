import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from training.measure.calibration import choose_operating_points, colour_scale, fit_calibration, sigmoid

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(("slope", "intercept"), [(0.5, 0.0), (1.0, 1.0), (3.0, -0.5)])
def test_the_calibration_of_distorted_log_odds_is_found(slope: float, intercept: float) -> None:
    true_log_odds = RANDOM.normal(0, 2, 20_000)
    labels = (RANDOM.random(20_000) < sigmoid(true_log_odds)).astype(int)
    found = fit_calibration((true_log_odds - intercept) / slope, labels)
    assert found.slope == pytest.approx(slope, rel=0.07)
    assert found.intercept == pytest.approx(intercept, abs=0.07)


def test_operating_points_reach_what_their_rules_say() -> None:
    labels = RANDOM.integers(0, 2, 2000)
    probabilities = sigmoid(RANDOM.normal(2 * labels - 1, 1.2))
    points = choose_operating_points(probabilities, labels)
    for point in points.values():  # the figures stored with a threshold are those it reaches, counted independently
        (tn, fp), (fn, tp) = confusion_matrix(labels, probabilities >= point["threshold"])
        assert point["sensitivity"] == pytest.approx(tp / (tp + fn))
        assert point["specificity"] == pytest.approx(tn / (tn + fp))
    assert points["screening"]["sensitivity"] >= 0.95 > points["screening"]["sensitivity"] - 0.01
    assert points["rule-in"]["specificity"] >= 0.95
    assert points["screening"]["threshold"] < points["balanced"]["threshold"] < points["rule-in"]["threshold"]


def test_a_saturated_validation_set_gets_a_stricter_target_and_the_order_stays() -> None:
    labels = RANDOM.integers(0, 2, 4000)
    points = choose_operating_points(sigmoid(RANDOM.normal(4 * labels - 2, 1.0)), labels)
    assert points["balanced"]["sensitivity"] >= 0.95 and points["balanced"]["specificity"] >= 0.95
    assert points["screening"]["sensitivity"] >= 0.99 and "0.99" in points["screening"]["rule"]
    assert points["rule-in"]["specificity"] >= 0.99
    assert points["screening"]["threshold"] < points["balanced"]["threshold"] < points["rule-in"]["threshold"]


def test_perfect_separation_puts_every_threshold_between_the_classes() -> None:
    points = choose_operating_points(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]))
    assert points["balanced"]["sensitivity"] == points["balanced"]["specificity"] == 1.0
    assert all(0.2 < point["threshold"] < 0.8 for point in points.values())


def test_the_colour_scale_leaves_one_cell_in_twenty_beyond_it() -> None:
    cells = np.linspace(-1, 1, 20_001).reshape(1, 3, -1)
    assert colour_scale(cells) == pytest.approx(0.95, abs=1e-3)
