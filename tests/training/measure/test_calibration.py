import numpy as np
import pytest

from overread.probability import sigmoid
from training.measure.calibration import colour_scale, count, fit_calibration

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(("slope", "intercept"), [(0.5, 0.0), (1.0, 1.0), (3.0, -0.5)])
def test_calibration_recovers_slope_and_intercept(slope: float, intercept: float) -> None:
    true_log_odds = RANDOM.normal(0, 2, 20_000)
    labels = (RANDOM.random(20_000) < sigmoid(true_log_odds)).astype(int)
    found = fit_calibration((true_log_odds - intercept) / slope, labels)
    assert found.slope == pytest.approx(slope, rel=0.07)
    assert found.intercept == pytest.approx(intercept, abs=0.07)


def test_one_cell_in_twenty_exceeds_the_colour_scale() -> None:
    cells = np.linspace(-1, 1, 20_001).reshape(1, 3, -1)
    assert colour_scale(cells) == pytest.approx(0.95, abs=1e-3)


def test_a_doubtful_label_counts_as_both_classes() -> None:
    counted = count(np.array([1.0, 0.75, 0.0]), np.array([1.0, 2.0, 3.0]))
    assert list(zip(counted.rows.tolist(), counted.labels.tolist(), counted.weights.tolist(), strict=True)) == [
        (0, 1, 1.0),
        (1, 1, 1.5),
        (1, 0, 0.5),
        (2, 0, 3.0),
    ]


def test_a_weight_of_two_is_an_image_twice() -> None:
    log_odds, labels = RANDOM.normal(0, 2, 300), RANDOM.integers(0, 2, 300)
    weights = RANDOM.integers(1, 3, 300)
    weighted = fit_calibration(log_odds, labels, weights.astype(float))
    repeated = fit_calibration(np.repeat(log_odds, weights), np.repeat(labels, weights))
    assert weighted.slope == pytest.approx(repeated.slope, abs=1e-3)
    assert weighted.intercept == pytest.approx(repeated.intercept, abs=1e-3)


def test_doubtful_positives_make_probabilities_humbler() -> None:
    true = RANDOM.normal(0, 3, 5000)
    labels = (true > 0).astype(float)
    log_odds = true + RANDOM.normal(0, 1, 5000)
    assert fit_calibration(log_odds, 0.75 * labels).slope < fit_calibration(log_odds, labels).slope
