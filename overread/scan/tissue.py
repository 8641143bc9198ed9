"""Where the tissue is: background is grey or white, stained tissue has colour."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.scan.resampled import Resampled

OVERVIEW_FACTOR = 8  # pixels at the model's scale per pixel of the overview: 7.8 um
# PCam left out patches whose blurred HSV saturation stays below 0.07 (github.com/basveeling/pcam, README): the nets
# have never seen them. Glass with a cast of its own needs more, which Otsu's threshold finds; in a field without
# background Otsu would split the tissue itself, so it counts up to 0.12 only.
LOWEST, HIGHEST = 0.07, 0.12
DARKEST = 32 / 255  # what is darker is pen, dust or a slide's edge, and its saturation is noise


def read_overview(view: Resampled, between_blocks: Callable[[], None] = lambda: None) -> Image.Image:
    """Return the whole view as one RGB image, read block by block.

    Args:
        view: the slide at the overview's scale.
        between_blocks: called before each block; it may raise to stop.
    """
    width, height = view.size
    whole = Image.new("RGB", view.size)
    for top in range(0, height, view.block):
        for left in range(0, width, view.block):
            between_blocks()
            size = min(view.block, width - left), min(view.block, height - top)
            whole.paste(view.read(left, top, *size), (left, top))
    return whole


def tissue_mask(overview: Image.Image) -> npt.NDArray[np.bool_]:
    """Return (h, w): True where the overview shows stained tissue."""
    pixels = np.asarray(overview)
    brightest = pixels.max(-1)
    chroma = brightest - pixels.min(-1)
    saturation = np.zeros(chroma.shape, np.float32)
    np.divide(chroma, brightest, out=saturation, where=brightest > 0)
    threshold = min(max(otsu(saturation), LOWEST), HIGHEST)
    return (saturation >= threshold) & (brightest >= DARKEST * 255)


def otsu(values: npt.NDArray[np.float32]) -> float:
    """Return the threshold on values in 0..1 that separates two classes best.

    It maximises the variance between the classes over a histogram of 256 bins: Otsu, IEEE Trans. SMC 9(1), 1979.
    """
    counts, edges = np.histogram(values, 256, (0.0, 1.0))
    below = np.cumsum(counts)
    above = below[-1] - below
    centres = (edges[:-1] + edges[1:]) / 2
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(edges[1 + int(np.nanargmax(between))]) if np.isfinite(between).any() else 0.0
