"""A slide at another scale: pixels of any rectangle as if the whole slide had been resized once."""

import math

from PIL import Image

from overread.scan.slide import Slide

SAME_SCALE = 0.01  # a pyramid level this near to the wanted scale is read as it is: resampling would only blur it
MAX_READ = 2048  # pixels a side of a pyramid level that are decoded at once


class Resampled:
    """A view of a slide in which one pixel covers ``factor`` (across, down) pixels of the full resolution."""

    def __init__(
        self, slide: Slide, factor: tuple[float, float], resample: Image.Resampling = Image.Resampling.BICUBIC
    ) -> None:
        """Choose the pyramid level: the coarsest that is at least as fine as what is wanted.

        Args:
            slide: an open slide.
            factor: full-resolution pixels per pixel of this view, (across, down); it snaps to a near level's.
            resample: Pillow's filter; it widens with the factor, so nothing is skipped.
        """
        self._slide, self._resample = slide, resample
        wanted = min(factor) * (1 + SAME_SCALE)
        self._level = max(
            (level for level, downsample in enumerate(slide.downsamples) if downsample <= wanted), default=0
        )
        downsample = slide.downsamples[self._level]
        self._ratio = factor[0] / downsample, factor[1] / downsample  # level pixels per pixel of this view
        if all(abs(ratio - 1) <= SAME_SCALE for ratio in self._ratio):
            self._ratio = 1.0, 1.0
        self.factor = self._ratio[0] * downsample, self._ratio[1] * downsample
        level_size = slide.level_size(self._level)
        # Rounding down: a pixel that the slide covers in part is left out, and nothing is made up.
        width, height = (side / ratio + 1e-6 for side, ratio in zip(level_size, self._ratio, strict=True))
        self.size = max(1, math.floor(width)), max(1, math.floor(height))

    @property
    def block(self) -> int:
        """Pixels a side that can be read at once without decoding more than ``MAX_READ`` level pixels a side."""
        return max(1, int(MAX_READ / max(1.0, *self._ratio)))

    def read(self, x: int, y: int, width: int, height: int) -> Image.Image:
        """Return an RGB rectangle that lies within the view, whatever its size."""
        if max(width, height) <= self.block:
            return self._read(x, y, width, height)
        whole = Image.new("RGB", (width, height))
        for top in range(0, height, self.block):
            for left in range(0, width, self.block):
                size = min(self.block, width - left), min(self.block, height - top)
                whole.paste(self._read(x + left, y + top, *size), (left, top))
        return whole

    def _read(self, x: int, y: int, width: int, height: int) -> Image.Image:
        if self._ratio == (1.0, 1.0):
            return self._slide.read(self._level, x, y, width, height)
        limits = self._slide.level_size(self._level)
        (left, right), (top, bottom) = (
            (start * ratio, min((start + length) * ratio, limit))
            for start, length, ratio, limit in zip((x, y), (width, height), self._ratio, limits, strict=True)
        )
        # Pillow's filter looks beyond the box where the image goes on, so that neighbouring rectangles meet seamlessly.
        margin_x, margin_y = (math.ceil(3 * max(1.0, ratio)) + 1 for ratio in self._ratio)
        low_x, low_y = max(0, math.floor(left) - margin_x), max(0, math.floor(top) - margin_y)
        high_x = min(limits[0], math.ceil(right) + margin_x)
        high_y = min(limits[1], math.ceil(bottom) + margin_y)
        source = self._slide.read(self._level, low_x, low_y, high_x - low_x, high_y - low_y)
        box = left - low_x, top - low_y, right - low_x, bottom - low_y
        return source.resize((width, height), self._resample, box=box)
