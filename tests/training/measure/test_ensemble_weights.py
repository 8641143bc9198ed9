import numpy as np
import pytest

from training.measure.calibration import fit_calibration
from training.measure.ensemble_weights import fit_weights

RANDOM = np.random.default_rng(7)
LABELS = RANDOM.integers(0, 2, 4000)
TRUE = RANDOM.normal(2.0 * (2 * LABELS - 1), 2.0)  # log-odds of equally frequent normal distributions: 1 * TRUE
NOISE = RANDOM.normal(size=len(LABELS))


def test_one_member_is_calibrated_as_a_net_is() -> None:
    found = fit_weights(0.5 * TRUE[:, None] + 1, LABELS)
    calibration = fit_calibration(0.5 * TRUE + 1, LABELS)
    assert found.weights[0] == pytest.approx(calibration.slope, rel=1e-3)
    assert found.intercept == pytest.approx(calibration.intercept, abs=2e-3)


def test_the_better_of_two_independent_members_counts_more() -> None:
    weak = RANDOM.normal(0.5 * (2 * LABELS - 1), 1.0)  # log-odds 1 * weak; both together: their sum
    found = fit_weights(np.column_stack([TRUE, 2 * weak]), LABELS)
    assert found.weights == pytest.approx((1.0, 0.5), abs=0.1)
    assert found.intercept == pytest.approx(0, abs=0.15)


def test_a_member_that_would_be_subtracted_counts_nothing() -> None:
    found = fit_weights(np.column_stack([TRUE + NOISE, NOISE]), LABELS)
    assert found.weights[1] == 0 and 0.5 < found.weights[0] < 1


def test_rare_positives_do_not_shift_the_probabilities() -> None:
    kept = (LABELS == 0) | (RANDOM.random(len(LABELS)) < 0.1)
    found = fit_weights(TRUE[kept, None], LABELS[kept])
    assert found.intercept == pytest.approx(0, abs=0.25)  # log(10) without equal weights
