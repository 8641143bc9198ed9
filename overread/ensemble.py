"""Several nets as one: the mean of their calibrated log-odds, and of their signed maps, which still add up to it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.model_folder import EnsembleSettings
from overread.net import Evidence, Net


class Ensemble:
    """Nets that are asked about the same picture; safe to use from several threads."""

    def __init__(self, nets: Sequence[Net], settings: EnsembleSettings) -> None:
        """Join loaded nets in the order of ``settings.members``."""
        self._nets = nets
        self._settings = settings

    def evidence(self, pictures: Sequence[Image.Image]) -> Evidence:
        """Return the ensemble's evidence in RGB pictures of any size."""
        parts = [net.evidence(pictures, self._settings.views) for net in self._nets]
        return combine(parts, self._settings)


def combine(parts: Sequence[Evidence], settings: EnsembleSettings) -> Evidence:
    """Return the ensemble's evidence from its members', in the order of ``settings.members``.

    The map has the finest member's grid.
    """
    return Evidence(
        log_odds=settings.slope * np.mean([part.log_odds for part in parts], axis=0) + settings.intercept,
        heatmap=(settings.slope * mean_map([part.heatmap for part in parts])).astype(np.float32),
        preprocess_ms=sum(part.preprocess_ms for part in parts),
        inference_ms=sum(part.inference_ms for part in parts),
        members={name: part.log_odds for name, part in zip(settings.members, parts, strict=True)},
    )


def mean_map(heatmaps: Sequence[npt.NDArray[np.floating]]) -> npt.NDArray[np.floating]:
    """Return (N, h, w) the mean of members' signed maps, (N, h_m, w_m) each, on the grid of the finest.

    What a coarse cell says is shared among the cells it covers, by area, so sums stay what they are.
    """
    height, width = (max(heatmap.shape[axis] for heatmap in heatmaps) for axis in (1, 2))
    return np.mean([_regrid(heatmap, height, width) for heatmap in heatmaps], axis=0)


def _regrid(heatmaps: npt.NDArray[np.floating], height: int, width: int) -> npt.NDArray[np.floating]:
    """Return (N, height, width) the maps on another grid; each map's sum stays."""
    if heatmaps.shape[1:] == (height, width):
        return heatmaps
    down, across = _shares(heatmaps.shape[1], height), _shares(heatmaps.shape[2], width)
    return down @ heatmaps @ across.T


def _shares(cells: int, wanted: int) -> npt.NDArray[np.float64]:
    """Return (wanted, cells) which share of each of ``cells`` equal pieces of a line lies in each of ``wanted``."""
    old, new = np.linspace(0, 1, cells + 1), np.linspace(0, 1, wanted + 1)
    overlap = np.minimum(new[1:, None], old[None, 1:]) - np.maximum(new[:-1, None], old[None, :-1])
    return np.maximum(overlap, 0) * cells
