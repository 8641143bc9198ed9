"""How much of a heat map's positive evidence lies in the lungs, by class, beside the lungs' share of the picture."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.measure.intervals import SEED, Estimate, Floats, estimate_mean, proportion

Mask = npt.NDArray[np.bool_]


def evidence_in_lungs(
    heatmaps: Floats, masks: Mapping[int, Mask], labels: npt.NDArray[np.integer], seed: int = SEED
) -> dict[str, Any]:
    """Return the figures of the films with and of those without the finding, with 95 % intervals.

    ``evidence`` is the mean share of a film's positive evidence that lies inside, over films that have any;
    ``peak`` the share of films whose cell of most evidence is at least half lung; ``area`` the lungs' mean share of
    the picture, which evidence without any place would have inside.

    Args:
        heatmaps: (N, h, w) in log-odds.
        masks: (H, W), true in the lungs, by row; films without one are left out.
        labels: (N,) 0 or 1.
        seed: of the bootstrap.
    """
    rows = np.array(sorted(masks), dtype=np.int64)
    shares = np.stack([lung_shares(masks[row], heatmaps.shape[1:]) for row in rows])  # (M, h, w)
    found = {}
    for name, label in (("with the finding", 1), ("without the finding", 0)):
        of_class = labels[rows] == label
        found[name] = _of_class(heatmaps[rows[of_class]], shares[of_class], seed)
    return {"films": len(rows), "of": len(labels), **found}


def lung_shares(mask: Mask, cells: tuple[int, ...]) -> Floats:
    """Return (h, w), the share of each cell that is lung, from an (H, W) mask; ``cells`` is (h, w)."""
    height, width = cells
    image = Image.fromarray(mask.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float64)


def positive_share(heatmaps: Floats, inside: Floats) -> Floats:
    """Return (N,) the share of each map's positive evidence inside; NaN where there is no positive evidence.

    Args:
        heatmaps: (N, h, w).
        inside: (N, h, w), share of each cell that counts as inside, 0..1.
    """
    positive = np.maximum(heatmaps, 0, dtype=np.float64)
    total = positive.sum((1, 2))
    return np.divide((positive * inside).sum((1, 2)), total, out=np.full(len(total), np.nan), where=total > 0)


def _of_class(heatmaps: Floats, shares: Floats, seed: int) -> dict[str, Any]:
    inside = positive_share(heatmaps, shares)
    evidence = inside[np.isfinite(inside)]
    flat = heatmaps.reshape(len(heatmaps), -1)
    at_peak = np.take_along_axis(shares.reshape(len(shares), -1), flat.argmax(1)[:, None], 1)[:, 0]
    return {
        "films": len(heatmaps),
        "without_positive_evidence": len(inside) - len(evidence),
        "evidence": _mean(evidence, seed),
        "peak": proportion(int((at_peak >= 0.5).sum()), len(at_peak)),
        "area": _mean(shares.mean((1, 2)), seed),
    }


def _mean(values: Floats, seed: int) -> Estimate | None:
    """Return the mean with its bootstrap interval; None of fewer than two values."""
    if len(values) < 2:
        return None
    found = estimate_mean(values, seed)
    return {"value": found.mean, "low": found.low, "high": found.high}
