"""Log-odds and signed maps of a batch of images, and their weighted sum over views or over an ensemble's members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from overread.session import Float32

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evidence for the finding in a batch of images: ``heatmap.sum((1, 2)) + bias == log_odds``.

    Attributes:
        log_odds: (N,) float64, calibrated.
        heatmap: (N, h, w) float32, log-odds by cell.
        preprocess_ms: wall-clock time of the whole batch.
        inference_ms: likewise.
        members: (N,) float64 calibrated log-odds by name of an ensemble's member; empty for one net.
    """

    log_odds: npt.NDArray[np.float64]
    heatmap: Float32
    preprocess_ms: float
    inference_ms: float
    members: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)


def average(parts: Sequence[Evidence]) -> Evidence:
    """Return the mean of the evidence that several views give for the same images; see ``weighted_sum``."""
    return weighted_sum(parts, [1 / len(parts)] * len(parts))


def weighted_sum(parts: Sequence[Evidence], weights: Sequence[float], intercept: float = 0.0) -> Evidence:
    """Return ``sum(weight * part) + intercept`` of the evidence that several views or nets give for the same images.

    The map has the finest grid among the parts and still adds up: its bias is the same sum of the parts' biases.
    Times are added.
    """
    return Evidence(
        log_odds=np.tensordot(weights, [part.log_odds for part in parts], 1) + intercept,
        heatmap=weighted_map([part.heatmap for part in parts], weights).astype(np.float32),
        preprocess_ms=sum(part.preprocess_ms for part in parts),
        inference_ms=sum(part.inference_ms for part in parts),
    )


def weighted_map(heatmaps: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Return (N, h, w) the weighted sum of signed maps, (N, h_m, w_m) each, on the finest grid among them.

    A coarse cell's value is divided among the cells it covers, in proportion to area, so that sums are preserved.
    """
    height, width = (max(heatmap.shape[axis] for heatmap in heatmaps) for axis in (1, 2))
    return np.tensordot(weights, [_regrid(heatmap, height, width) for heatmap in heatmaps], 1)


def _regrid(heatmaps: Floats, height: int, width: int) -> Floats:
    """Return (N, height, width) maps with the same sums."""
    if heatmaps.shape[1:] == (height, width):
        return heatmaps
    down, across = _overlaps(heatmaps.shape[1], height), _overlaps(heatmaps.shape[2], width)
    return down @ heatmaps @ across.T


def _overlaps(cells: int, wanted: int) -> npt.NDArray[np.float64]:
    """Return (wanted, cells): the fraction of each of ``cells`` equal pieces of a line within each of ``wanted``."""
    old, new = np.linspace(0, 1, cells + 1), np.linspace(0, 1, wanted + 1)
    overlap = np.minimum(new[1:, None], old[None, 1:]) - np.maximum(new[:-1, None], old[None, :-1])
    return np.maximum(overlap, 0) * cells
