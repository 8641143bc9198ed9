from collections.abc import Callable

import pytest
from scipy.stats import bootstrap
from sklearn.metrics import average_precision_score, roc_auc_score

from tests.training.measure.labelled_probabilities import overlapping
from training.measure import intervals
from training.measure.intervals import Estimate
from training.measure.ranking import area_under_roc, average_precision

RESAMPLES = 100


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", RESAMPLES)


@pytest.mark.parametrize(
    ("ours", "reference"),
    [(area_under_roc, roc_auc_score), (average_precision, average_precision_score)],
)
def test_values_and_intervals_equal_scikit_learn_and_scipy(
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
