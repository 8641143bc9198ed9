import numpy as np
import pytest
from scipy.special import expit, log_softmax

from overread.probability import log_odds, sigmoid

LOGITS = np.random.default_rng(2).normal(0, 3, (50, 2)).astype(np.float32)


def test_log_odds_and_their_sigmoid_are_those_of_the_softmax() -> None:
    logarithms = log_softmax(LOGITS.astype(np.float64), axis=1)
    np.testing.assert_allclose(log_odds(LOGITS), logarithms[:, 1] - logarithms[:, 0], atol=1e-12)
    np.testing.assert_allclose(sigmoid(log_odds(LOGITS)), np.exp(logarithms[:, 1]), atol=1e-12)


def test_float32_logits_are_subtracted_in_float64() -> None:
    close = np.array([[1e8, 1e8], [0.1, 16_777_216.0]], np.float32)
    assert log_odds(close).tolist() == [0.0, float(close[1, 1]) - float(close[1, 0])]


@pytest.mark.filterwarnings("error")
def test_extreme_log_odds_give_0_and_1_without_a_warning() -> None:
    extreme = np.array([-2000.0, -40.0, 0.0, 2000.0])
    np.testing.assert_allclose(sigmoid(extreme), expit(extreme), atol=1e-16)
    assert float(sigmoid(-2000.0)) == 0.0
