"""Draws signed heat maps: orange is evidence for the finding, teal against it, no colour is no evidence.

The colour scale is fixed per model and never stretched to an image's own maximum, so that an empty map looks empty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from time import perf_counter

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from overread.contours import Polygon

# Orange and teal of about equal lightness: people with red-green colour blindness can tell them apart, and neither
# occurs in an H&E stain (pink, violet) or in a radiograph (grey).
FOR_FINDING = (255, 128, 0)
AGAINST_FINDING = (0, 150, 170)
MAX_OPACITY = 0.75
OPAQUE = 255 * MAX_OPACITY
_LEVELS = 2 * int(OPAQUE) + 1  # of signed opacity, none in the middle
# Multiplications for the rows that are drawn at a time: what is computed then stays in the processor's cache, and
# OpenBLAS takes one thread, since starting a second would take longer (its GEMM_MULTITHREAD_THRESHOLD).
STRIP_WORK = 2**18
DISPLAY_SIDES = (448, 1024)  # pixels: the range for the longer side of a displayed image


@dataclass(frozen=True, eq=False)
class Drawing:
    """An image and its signed map, which are drawn when they are first asked for.

    Attributes:
        image: in RGB or L, of any size.
        heatmap: (h, w) float32 log-odds per cell.
        scale: log-odds of a cell that is drawn in full colour.
        smooth: interpolate between cells; else draw the model's own grid.
        centre: the outlined part in the centre, as a share of width and height; None for none.
        lungs: polygons that are outlined in the overlay; see ``outline_lungs``.
    """

    image: Image.Image
    heatmap: npt.NDArray[np.float32]
    scale: float
    smooth: bool = True
    centre: float | None = None
    lungs: Sequence[Polygon] = ()

    @cached_property
    def picture(self) -> Image.Image:
        """The image in RGB at display size."""
        return self._outlined(self._shown().convert("RGB"))

    @property
    def overlay(self) -> Image.Image:
        """The same with the map over it."""
        return self._overlay_and_milliseconds[0]

    @property
    def milliseconds(self) -> float:
        """How long the overlay took to draw; 0 if nobody has asked for it."""
        return self._overlay_and_milliseconds[1] if "_overlay_and_milliseconds" in vars(self) else 0.0

    @cached_property
    def _overlay_and_milliseconds(self) -> tuple[Image.Image, float]:
        started = perf_counter()
        overlay = draw_overlay(self._shown(), self.heatmap, self.scale, self.smooth)
        if self.lungs:
            overlay = outline_lungs(overlay, self.lungs)
        return self._outlined(overlay), (perf_counter() - started) * 1000

    def _shown(self) -> Image.Image:
        size = display_size(self.image.size)
        return self.image if size == self.image.size else self.image.resize(size)

    def _outlined(self, shown: Image.Image) -> Image.Image:
        return outline_centre(shown, self.centre) if self.centre else shown


def display_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return (width, height) with the same aspect ratio and the longer side between 448 and 1024 px."""
    low, high = DISPLAY_SIDES
    longer = max(size)
    factor = min(max(longer, low), high) / longer
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def draw_overlay(
    picture: Image.Image, heatmap: npt.NDArray[np.float32], scale: float, smooth: bool = True
) -> Image.Image:
    """Return an RGB image with the signed map over it; opacity shows the amount of evidence, colour its sign.

    Args:
        picture: mode RGB or L, at display size; L takes a quarter of the time.
        heatmap: (h, w) float32 log-odds per cell.
        scale: log-odds of a cell that is drawn in full colour.
        smooth: interpolate between cells (bicubic); else draw the model's own grid.
    """
    down, across = _enlarging(heatmap * np.float32(OPAQUE / scale), picture.size, smooth)
    pixels, grey = np.asarray(picture), picture.mode == "L"  # (H, W, 3) or (H, W) uint8
    drawn = np.empty(pixels.shape[:2], np.uint32) if grey else np.empty_like(pixels)
    rows = max(1, STRIP_WORK // across.size)
    for top in range(0, picture.height, rows):
        strip = slice(top, top + rows)
        signed = np.clip(down[strip] @ across, -OPAQUE, OPAQUE)  # (rows, W), opacity with the sign of the evidence
        level = (signed + np.float32(_LEVELS // 2 + 0.5)).astype(np.int32)  # rounded, from 0
        if grey:
            np.take(_blended_rgbx(), level * 256 + pixels[strip], out=drawn[strip], mode="clip")
        else:
            for channel, blended in enumerate(_blended()):
                drawn[strip, :, channel] = np.take(blended, level * 256 + pixels[strip, :, channel], mode="clip")
    return Image.frombytes("RGB", picture.size, drawn.data, "raw", "RGBX" if grey else "RGB")


def _enlarging(
    heatmap: npt.NDArray[np.float32], size: tuple[int, int], smooth: bool
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return (H, h) and (h, W), whose product is the (h, w) map at ``size``, as Pillow's filters enlarge it."""
    resample = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    height, (wide, high) = len(heatmap), size
    weights = Image.fromarray(np.eye(height, dtype=np.float32)).resize((height, high), resample)  # mode F
    return np.asarray(weights), np.asarray(Image.fromarray(heatmap).resize((wide, height), resample))


@lru_cache(maxsize=1)
def _blended() -> npt.NDArray[np.uint8]:
    """Return (3, levels * 256): a channel's value after colouring, by signed opacity and the value before."""
    level = np.arange(_LEVELS)[:, None] - _LEVELS // 2
    before = np.arange(256)
    tables = []
    for finding, other in zip(FOR_FINDING, AGAINST_FINDING, strict=True):
        ink, opacity = np.where(level > 0, finding, other), np.abs(level)
        tables.append(np.round((before * (255 - opacity) + ink * opacity) / 255).ravel())
    return np.array(tables, np.uint8)


@lru_cache(maxsize=1)
def _blended_rgbx() -> npt.NDArray[np.uint32]:
    """Return (levels * 256,): red, green, blue and a byte that is not used, of a grey value after colouring."""
    red, green, blue = _blended()
    return np.stack([red, green, blue, np.zeros_like(red)], axis=-1).view(np.uint32).ravel()


def outline_centre(picture: Image.Image, share: float) -> Image.Image:
    """Return a copy of the RGB image with a centred part, ``share`` of its width and height, outlined."""
    outlined = picture.copy()
    draw = ImageDraw.Draw(outlined)
    (x, y), (wide, high) = (side / 2 for side in picture.size), (side * share / 2 for side in picture.size)
    for grow, colour in ((1, "black"), (0, "white")):
        draw.rectangle((x - wide - grow, y - high - grow, x + wide + grow, y + high + grow), outline=colour)
    return outlined


def outline_lungs(picture: Image.Image, outline: Sequence[Polygon]) -> Image.Image:
    """Return a copy of the image with polygons as thin white lines on black; vertices are fractions of its sides."""
    outlined = picture.copy()
    draw = ImageDraw.Draw(outlined)
    for colour, width in (("black", 3), ("white", 1)):
        for polygon in outline:
            corners = [(float(x) * picture.width, float(y) * picture.height) for x, y in (*polygon, polygon[0])]
            draw.line(corners, colour, width, joint="curve")
    return outlined
