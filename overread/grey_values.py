"""Grey values as a file stores them, which a viewer's window acts on, before any of them becomes one of 256."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image


@dataclass(frozen=True, eq=False)
class GreyValues:
    """The grey values of a radiograph.

    Attributes:
        values: (H, W) float32, upright; of DICOM after the modality LUT.
        low: what is shown in black at first, or in white if ``inverted``.
        high: likewise in white.
        inverted: high values are dark.
    """

    values: npt.NDArray[np.float32]
    low: float
    high: float
    inverted: bool = False

    def resized(self, size: tuple[int, int]) -> "GreyValues":
        """Return them at (width, height), averaged over the pixels that become one."""
        height, width = self.values.shape
        if size == (width, height):
            return self
        values = np.asarray(Image.fromarray(self.values).resize(size, Image.Resampling.BOX))
        return GreyValues(values, self.low, self.high, self.inverted)

    def in_16_bits(self) -> tuple[npt.NDArray[np.uint16], float, float]:
        """Return (H, W) numbers with least and step: a value is ``least + step * number``; exact for 16-bit files."""
        least, most = float(self.values.min()), float(self.values.max())
        exact = most - least <= 0xFFFF and bool((self.values == np.round(self.values)).all())
        step = 1.0 if exact else (most - least) / 0xFFFF
        return np.round((self.values - least) / step).astype(np.uint16), least, step
