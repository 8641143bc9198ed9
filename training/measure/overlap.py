"""How well found masks agree with drawn ones: Dice coefficient and intersection over union."""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.measure.intervals import Estimate, estimate_mean, proportion

Masks = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
GOOD = 0.9  # Dice


def dice(found: Masks, drawn: Masks) -> Floats:
    """Return (N,) Dice coefficients of (N, H, W) masks, 1 where both are empty."""
    together = (found & drawn).sum((1, 2))
    sizes = found.sum((1, 2)) + drawn.sum((1, 2))
    return np.where(sizes, 2 * together / np.maximum(sizes, 1), 1.0)


def intersection_over_union(found: Masks, drawn: Masks) -> Floats:
    """Return (N,) of (N, H, W) masks, 1 where both are empty."""
    union = (found | drawn).sum((1, 2))
    return np.where(union, (found & drawn).sum((1, 2)) / np.maximum(union, 1), 1.0)


def overlap(found: Masks, drawn: Masks) -> dict[str, Any]:
    """Return means over the films with bootstrap intervals, and how many films agree well, with Wilson's."""
    coefficients = dice(found, drawn)
    return {
        "films": len(found),
        "dice": _mean(coefficients),
        "iou": _mean(intersection_over_union(found, drawn)),
        "lowest_dice": float(coefficients.min()),
        f"dice_above_{GOOD}": proportion(int((coefficients > GOOD).sum()), len(found)),
    }


def _mean(values: Floats) -> Estimate:
    found = estimate_mean(values)
    return {"value": found.mean, "low": found.low, "high": found.high}
