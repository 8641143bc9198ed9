"""The slide as one image: background faded, a map over it, a scale bar in micrometres."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from overread.heatmap_drawing import FOR_FINDING, MAX_OPACITY, display_size, draw_overlay
from overread.scan.result import ScanResult

BAR_SHARE = 0.25  # of the image's width, at most
BAR_MARGIN = 12  # pixels


def thumbnail(result: ScanResult) -> Image.Image:
    """Return the slide, the longer side 448 to 1024 px, with a scale bar."""
    return with_scale_bar(_shown(result), _um_per_px(result))


def probability_overlay(result: ScanResult) -> Image.Image:
    """Return likewise with the probability in orange and what was not read faded to white."""
    image = _shown(result)
    values = _sampled(result, image.size, evidence=False)
    opacity = np.round(255 * MAX_OPACITY * np.nan_to_num(values)).astype(np.uint8)
    image.paste(FOR_FINDING, mask=Image.fromarray(opacity))
    return with_scale_bar(_fade(image, values), _um_per_px(result))


def evidence_overlay(result: ScanResult) -> Image.Image:
    """Return likewise with the signed evidence, in the colours and on the scale of single patches."""
    image = _shown(result)
    values = _sampled(result, image.size, evidence=True)
    drawn = draw_overlay(image, np.nan_to_num(values), result.evidence_scale)
    return with_scale_bar(_fade(drawn, values), _um_per_px(result))


def with_scale_bar(image: Image.Image, um_per_px: float) -> Image.Image:
    """Return a copy with a bar of 1, 2 or 5 times a power of ten micrometres at the lower left."""
    length = bar_length_um(image.width * um_per_px * BAR_SHARE)
    pixels = length / um_per_px
    text = f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} um"  # the font has no µ
    marked = image.copy()
    draw = ImageDraw.Draw(marked)
    font = ImageFont.load_default(14)
    left, bottom = BAR_MARGIN, image.height - BAR_MARGIN
    label = draw.textbbox((left, bottom - 8), text, font=font, anchor="lb")
    draw.rectangle((left - 5, label[1] - 4, max(left + pixels, label[2]) + 5, bottom + 5), fill="white")
    draw.rectangle((left, bottom - 4, left + pixels, bottom), fill="black")
    draw.text((left, bottom - 8), text, fill="black", font=font, anchor="lb")
    return marked


def bar_length_um(longest: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50, ... that is not above ``longest``."""
    power = 10.0 ** np.floor(np.log10(longest))
    return float(next(step * power for step in (5, 2, 1) if step * power <= longest))


def _shown(result: ScanResult) -> Image.Image:
    return result.overview.resize(display_size(result.overview.size))


def _um_per_px(result: ScanResult) -> float:
    """Micrometres across per pixel of what is shown."""
    shown_width = display_size(result.overview.size)[0]
    return result.size[0] * result.scale.x / shown_width


def _sampled(result: ScanResult, size: tuple[int, int], evidence: bool) -> npt.NDArray[np.float32]:
    """Return the map at the centres of the shown image's pixels, (height, width); NaN in the background."""
    across = (np.arange(size[0]) + 0.5) * result.grid.x.size / size[0]
    down = (np.arange(size[1]) + 0.5) * result.grid.y.size / size[1]
    return result.evidence_at(down, across) if evidence else result.probability_at(down, across)


def _fade(image: Image.Image, values: npt.NDArray[np.float32]) -> Image.Image:
    """Return a copy in which what has no value is half white."""
    faded = image.copy()
    faded.paste((255, 255, 255), mask=Image.fromarray(np.where(np.isnan(values), 128, 0).astype(np.uint8)))
    return faded
