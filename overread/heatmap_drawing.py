"""Draws signed heat maps: orange is evidence for the finding, teal against it, no colour is no evidence.

The colour scale is fixed per model and never stretched to an image's own maximum, so that an empty map looks empty.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

# Orange and teal of about equal lightness: people with red-green colour blindness can tell them apart, and neither
# occurs in an H&E stain (pink, violet) or in a radiograph (grey).
FOR_FINDING = (255, 128, 0)
AGAINST_FINDING = (0, 150, 170)
MAX_OPACITY = 0.75
DISPLAY_SIDES = (448, 1024)  # pixels: the range for the longer side of a displayed image


def display_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return (width, height) with the same aspect ratio and the longer side between 448 and 1024 px."""
    low, high = DISPLAY_SIDES
    longer = max(size)
    factor = min(max(longer, low), high) / longer
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def signed_opacity(
    heatmap: npt.NDArray[np.float32], scale: float, size: tuple[int, int], smooth: bool
) -> npt.NDArray[np.float32]:
    """Return (height, width) float32 in -1..1: the map at the image's size, in units of full colour.

    Args:
        heatmap: (h, w) float32 log-odds per cell.
        scale: log-odds of a cell that is drawn in full colour.
        size: (width, height) in pixels.
        smooth: interpolate between cells (bicubic); else draw the model's own grid.
    """
    resample = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    grown = Image.fromarray(heatmap.astype(np.float32)).resize(size, resample)  # mode F
    return np.clip(np.asarray(grown) / scale, -1.0, 1.0)


def draw_overlay(
    picture: Image.Image, heatmap: npt.NDArray[np.float32], scale: float, smooth: bool = True
) -> Image.Image:
    """Return the RGB image with the signed map over it; opacity shows the amount of evidence, colour its sign.

    Args:
        picture: RGB, at display size.
        heatmap: (h, w) float32 log-odds per cell.
        scale: log-odds of a cell that is drawn in full colour.
        smooth: interpolate between cells (bicubic); else draw the model's own grid.
    """
    signed = signed_opacity(heatmap, scale, picture.size, smooth)  # (H, W)
    overlay = picture.copy()
    for colour, share in ((FOR_FINDING, signed), (AGAINST_FINDING, -signed)):
        opacity = np.round(255 * MAX_OPACITY * np.maximum(share, 0)).astype(np.uint8)
        overlay.paste(colour, mask=Image.fromarray(opacity))
    return overlay


def outline_centre(picture: Image.Image, side: float) -> Image.Image:
    """Return a copy of the image with a centred square of ``side`` pixels outlined in white on black."""
    outlined = picture.copy()
    draw = ImageDraw.Draw(outlined)
    x, y = picture.width / 2, picture.height / 2
    for grow, colour in ((1, "black"), (0, "white")):
        half = side / 2 + grow
        draw.rectangle((x - half, y - half, x + half, y + half), outline=colour)
    return outlined
