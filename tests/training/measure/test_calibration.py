import numpy as np
import pytest

from overread.probability import sigmoid
from training.measure.calibration import colour_scale, fit_calibration

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
