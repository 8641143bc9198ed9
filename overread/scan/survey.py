"""The quick pass over a slide before a scan: its scale, its size at the model's scale, and where its tissue is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.errors import ImageTooLargeError, ImageTooSmallError
from overread.model_folder import Region
from overread.patches import assumed_scale
from overread.scale import Scale, given
from overread.scan.grid import Doubles, PatchGrid, sums_between
from overread.scan.resampled import Resampled
from overread.scan.slide import Slide
from overread.scan.tissue import OVERVIEW_FACTOR, read_overview, tissue_mask

STRIP_PX = 512  # of the tissue mask, summed at once
MAX_OVERVIEW_PIXELS = 64_000_000  # 39 cm2: more than a slide of 75 x 50 mm has, so the scale is wrong


@dataclass(frozen=True, eq=False)
class Survey:
    """What the pass found.

    Attributes:
        slide: the open slide.
        scale: um/px of its full resolution.
        view: the slide at the model's scale.
        overview: the whole slide at an eighth of the model's scale, RGB.
        overview_factor: full-resolution pixels per pixel of the overview, (across, down).
        tissue: (h, w) bool, where the overview shows tissue.
    """

    slide: Slide
    scale: Scale
    view: Resampled
    overview: Image.Image
    overview_factor: tuple[float, float]
    tissue: npt.NDArray[np.bool_]

    def owned(self, grid: PatchGrid) -> tuple[Doubles, Doubles]:
        """Return (rows, columns) twice: the share of what each patch owns that is tissue, and its area in mm2."""
        across, down = (view / small for view, small in zip(self.view.factor, self.overview_factor, strict=True))
        pixels, tissue = _owned(self.tissue, grid, (across, down))
        pixel_mm2 = self.overview_factor[0] * self.scale.x * self.overview_factor[1] * self.scale.y / 1e6
        return tissue / np.maximum(pixels, 1e-9), tissue * pixel_mm2


def survey(
    slide: Slide,
    region: Region,
    mpp: float | tuple[float, float] | None = None,
    between_blocks: Callable[[], None] = lambda: None,
) -> Survey:
    """Return what the pass over an open slide finds.

    Args:
        slide: an open slide.
        region: the side and scale of the model's patches.
        mpp: um/px of the full resolution, or (across, down); default: what the file says.
        between_blocks: called before each block of the overview is read; it may raise to stop.

    Raises:
        UnknownScaleError: if the scale is neither given nor in the file.
        ImageTooSmallError: if the slide covers less than one patch.
        ImageTooLargeError: if it would be larger than any glass slide.
    """
    scale = given(mpp) if mpp else slide.scale or assumed_scale(slide.size, region)
    covers = f"At {scale} the image covers {slide.size[0] * scale.x:.0f} x {slide.size[1] * scale.y:.0f} µm"
    view = Resampled(slide, (region.spacing_um_per_px / scale.x, region.spacing_um_per_px / scale.y))
    if min(view.size) < region.patch_px:
        side = region.patch_px * region.spacing_um_per_px
        raise ImageTooSmallError(f"{covers}: a patch of {side:.0f} µm a side is the least the model reads.")
    small = Resampled(slide, (view.factor[0] * OVERVIEW_FACTOR, view.factor[1] * OVERVIEW_FACTOR), Image.Resampling.BOX)
    if small.size[0] * small.size[1] > MAX_OVERVIEW_PIXELS:
        raise ImageTooLargeError(f"{covers}, more than a glass slide: check the scale.")
    overview = read_overview(small, between_blocks)
    return Survey(slide, scale, view, overview, small.factor, tissue_mask(overview))


def _owned(mask: npt.NDArray[np.bool_], grid: PatchGrid, shrink: tuple[float, float]) -> tuple[Doubles, Doubles]:
    """Return (rows, columns) twice: how many of the mask's pixels each patch owns, and how many of them are True."""
    down = np.clip(grid.y.edges * shrink[1], 0, mask.shape[0])
    across = np.clip(grid.x.edges * shrink[0], 0, mask.shape[1])
    strips = [  # the sums are in double precision: of the whole mask at once they would take 16 times its memory
        sums_between(mask[:, left : left + STRIP_PX], down[:-1], down[1:], 0)
        for left in range(0, mask.shape[1], STRIP_PX)
    ]
    tissue = sums_between(np.concatenate(strips, axis=1), across[:-1], across[1:], 1)
    return np.outer(np.diff(down), np.diff(across)), tissue
