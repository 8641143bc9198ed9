import numpy as np
import pytest

from training.measure.intervals import estimate_mean, proportion


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),  # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_proportions_have_the_published_wilson_intervals(successes: int, trials: int, low: float, high: float) -> None:
    expected = {"value": successes / trials, "low": low, "high": high}
    assert proportion(successes, trials) == pytest.approx(expected, abs=5e-5)


def test_a_proportion_of_nothing_is_null() -> None:
    assert proportion(0, 0) is None


def test_the_interval_of_a_mean_is_that_of_the_central_limit_theorem() -> None:
    values = np.random.default_rng(0).normal(3, 2, 400)
    estimate = estimate_mean(values)
    error = values.std() / 20
    assert estimate.mean == pytest.approx(values.mean())
    assert estimate.low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
    assert estimate.high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)
