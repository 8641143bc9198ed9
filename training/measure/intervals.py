"""95 % intervals: Wilson for proportions, percentile bootstrap over images (Efron 1979) for everything else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, bootstrap

RESAMPLES = 2000
SEED = 2026

Counts = npt.NDArray[np.integer]  # (N,) how often a resample draws each image
Floats = npt.NDArray[np.floating]


class Estimate(TypedDict):
    """A value with its 95 % interval, as it stands in JSON."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class MeanEstimate:
    """A mean with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


def proportion(successes: int, trials: int) -> Estimate | None:
    """Return a proportion with its Wilson interval (Wilson 1927); None, JSON's null, if there are no trials."""
    if trials == 0:
        return None
    interval = binomtest(successes, trials).proportion_ci(method="wilson")
    return {"value": successes / trials, "low": float(interval.low), "high": float(interval.high)}


def estimate_mean(values: Floats, seed: int = SEED) -> MeanEstimate:
    """Return the mean of (N,) values with its bootstrap interval.

    Raises:
        ValueError: if there are fewer than two values.
    """
    interval = bootstrap((values,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=seed).confidence_interval
    return MeanEstimate(float(np.mean(values)), float(interval.low), float(interval.high))


def bootstrap_images(value: float, statistic: Callable[[Counts], float], images: int, seed: int = SEED) -> Estimate:
    """Return a value with the bootstrap interval of its statistic.

    Args:
        value: the statistic of the images themselves.
        statistic: takes a resample and returns its figure; NaN where it is undefined, such as the AUC of one class,
            which leaves the resample out.
        images: N, also of every resample.
        seed: of the resamples.
    """
    random = np.random.default_rng(seed)
    resamples = (random.integers(0, images, images) for _ in range(RESAMPLES))
    values = [statistic(np.bincount(drawn, minlength=images)) for drawn in resamples]
    low, high = np.nanquantile(values, (0.025, 0.975))
    return {"value": value, "low": float(low), "high": float(high)}
