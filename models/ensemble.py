"""Several nets as one: the mean of their calibrated log-odds, and of their signed maps, which still add up to it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from models.errors import ModelFolderError
from models.folder import EnsembleSettings
from models.net import Evidence, Net


class Ensemble:
    """Nets that are asked about the same picture; safe to use from several threads."""

    def __init__(self, nets: Sequence[Net], settings: EnsembleSettings) -> None:
        """Join loaded nets in the order of ``settings.members``."""
        self._nets = nets
        self._settings = settings

    def evidence(self, pictures: Sequence[Image.Image]) -> Evidence:
        """Return the ensemble's evidence in RGB pictures of any size.

        Raises:
            ModelFolderError: if the members' maps have different grids.
        """
        return combine([net.evidence(pictures) for net in self._nets], self._settings)


def combine(parts: Sequence[Evidence], settings: EnsembleSettings) -> Evidence:
    """Return the ensemble's evidence from its members', in the order of ``settings.members``.

    Raises:
        ModelFolderError: if the members' maps have different grids.
    """
    grids = {part.heatmap.shape[1:] for part in parts}
    if len(grids) > 1:
        raise ModelFolderError(f"The members' heat maps have different grids: {sorted(grids)}.")
    return Evidence(
        log_odds=settings.slope * np.mean([part.log_odds for part in parts], axis=0) + settings.intercept,
        heatmap=(settings.slope * np.mean([part.heatmap for part in parts], axis=0)).astype(np.float32),
        preprocess_ms=sum(part.preprocess_ms for part in parts),
        inference_ms=sum(part.inference_ms for part in parts),
        members={name: part.log_odds for name, part in zip(settings.members, parts, strict=True)},
    )
