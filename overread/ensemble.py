"""Several nets as one: a weighted sum of their log-odds, and of their signed maps, which still add up to it."""

from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from overread.evidence import Evidence, weighted_sum
from overread.model_folder import EnsembleSettings
from overread.net import Net


class Ensemble:
    """Nets that read the same images; safe to use from several threads."""

    def __init__(self, nets: Sequence[Net], settings: EnsembleSettings) -> None:
        """Join loaded nets in the order of ``settings.members``."""
        self._nets = nets
        self._settings = settings

    def evidence(self, images: Sequence[Image.Image]) -> Evidence:
        """Return the ensemble's evidence in RGB images of any size."""
        return combine([net.evidence(images, self._settings.views) for net in self._nets], self._settings)


def combine(parts: Sequence[Evidence], settings: EnsembleSettings) -> Evidence:
    """Return the ensemble's evidence from its members', in the order of ``settings.members``."""
    members = {name: part.log_odds for name, part in zip(settings.members, parts, strict=True)}
    weights = [settings.weights[name] for name in settings.members]
    return replace(weighted_sum(parts, weights, settings.intercept), members=members)
