"""Deep-zoom tiles of a slide and of its maps: the pyramid that OpenSeadragon reads (DZI), made as it is asked for.

Level ``levels - 1`` has the slide's own pixels and each level below half as many a side, rounded up. The maps are
sampled at the centres of a tile's pixels, so they lie on the slide's pixels at every level, at its borders too.
"""

import io
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.errors import InputError
from overread.heatmap_drawing import AGAINST_FINDING, FOR_FINDING, MAX_OPACITY
from overread.scan import Plan, ScanResult
from overread.scan.grid import Doubles
from overread.scan.slide import Slide, WholeImage

TILE = 256
MOST_PIXELS = 2048  # a side, of a pyramid level, decoded at once
TISSUE_LINE, REGION_LINE = (20, 40, 160), (150, 40, 0)
Rgba = npt.NDArray[np.uint8]


class NoSuchTileError(InputError):
    """The pyramid has no such level, tile or layer."""


@dataclass(frozen=True)
class TileBox:
    """A tile: its pixels a side, and where it lies in the slide's pixels, both as (across, down)."""

    size: tuple[int, int]
    corner: tuple[float, float]
    factor: float

    def centres(self) -> tuple[Doubles, Doubles]:
        """Return where the centres of its pixels lie, (down, across), in the slide's pixels."""
        steps = (np.arange(side, dtype=np.float64) + 0.5 for side in self.size)
        across, down = (start + step * self.factor for start, step in zip(self.corner, steps, strict=True))
        return down, across


def levels(size: tuple[int, int]) -> int:
    """Return the number of levels of a slide of (width, height): the smallest has one pixel."""
    return math.ceil(math.log2(max(size))) + 1 if max(size) > 1 else 1


def tile_box(size: tuple[int, int], level: int, column: int, row: int) -> TileBox:
    """Return where a tile lies.

    Raises:
        NoSuchTileError: if the slide has no such tile.
    """
    if not 0 <= level < levels(size):
        raise NoSuchTileError("There is no such tile.")
    factor = 2 ** (levels(size) - 1 - level)
    sides = []
    for side, index in zip(size, (column, row), strict=True):
        pixels = min(TILE, -(-side // factor) - index * TILE)
        if index < 0 or pixels <= 0:
            raise NoSuchTileError("There is no such tile.")
        sides.append(pixels)
    return TileBox((sides[0], sides[1]), (column * TILE * factor, row * TILE * factor), factor)


def slide_tile(plan: Plan, level: int, column: int, row: int) -> Image.Image:
    """Return a tile of the slide, RGB.

    Raises:
        NoSuchTileError: if the slide has no such tile.
        CorruptImageError: if the slide is damaged there.
    """
    box = tile_box(plan.slide.size, level, column, row)
    overview = plan.survey.overview_factor
    if box.factor >= max(overview):  # what a slide without a pyramid would be read as a whole for
        return _resized(WholeImage(plan.survey.overview), 0, overview, box, plan.slide.size)
    finest = [index for index, downsample in enumerate(plan.slide.downsamples) if downsample <= box.factor * 1.001]
    chosen = max(finest, default=0)
    downsample = plan.slide.downsamples[chosen]
    return _resized(plan.slide, chosen, (downsample, downsample), box, plan.slide.size)


def _resized(
    slide: Slide, level: int, downsample: tuple[float, float], box: TileBox, full: tuple[int, int]
) -> Image.Image:
    """Return the box at its own size from a pyramid level, in parts where the level has too many pixels of it."""
    pieces = max(1, math.ceil(max(box.size) * box.factor / min(downsample) / MOST_PIXELS))
    step = -(-max(box.size) // pieces)
    whole = Image.new("RGB", box.size)
    limit = slide.level_size(level)
    for top in range(0, box.size[1], step):
        for left in range(0, box.size[0], step):
            size = min(step, box.size[0] - left), min(step, box.size[1] - top)
            span = []  # across and down: first and last edge in the level's pixels
            for axis, start in enumerate((left, top)):
                first = (box.corner[axis] + start * box.factor) / downsample[axis]
                last = min(box.corner[axis] + (start + size[axis]) * box.factor, full[axis]) / downsample[axis]
                last = min(last, limit[axis])
                span.append((min(first, last - 1e-3), last))
            (x, right), (y, bottom) = span
            x0, y0 = max(0, math.floor(x)), max(0, math.floor(y))
            x1, y1 = min(math.ceil(right), limit[0]), min(math.ceil(bottom), limit[1])
            part = slide.read(level, x0, y0, x1 - x0, y1 - y0)
            inner = (x - x0, y - y0, right - x0, bottom - y0)
            whole.paste(part.resize(size, Image.Resampling.BILINEAR, box=inner), (left, top))
    return whole


def map_tile(plan: Plan, result: ScanResult | None, layer: str, level: int, column: int, row: int) -> Image.Image:
    """Return a tile of a layer, RGBA.

    Args:
        plan: what the slide's tissue is known from.
        result: of the scan; None before it.
        layer: "outline" (of the tissue and, after the scan, of the regions), "probability" or "evidence".
        level: of the pyramid.
        column: of the tile.
        row: of the tile.

    Raises:
        NoSuchTileError: if there is no such layer or tile.
    """
    box = tile_box(plan.slide.size, level, column, row)
    if layer == "outline":
        return Image.fromarray(_outlines(plan, result, box))
    if result is None or layer not in ("probability", "evidence"):
        raise NoSuchTileError("There is no such layer, or the scan is not finished.")
    down, across = box.centres()
    if layer == "probability":
        return Image.fromarray(_coloured(_probability(result, down, across), 1.0))
    evidence = result.evidence_at(down / result.factor[1], across / result.factor[0])
    return Image.fromarray(_coloured(evidence, result.evidence_scale))


def _coloured(values: npt.NDArray[np.float32], scale: float) -> Rgba:
    """Return (h, w, 4): orange for and teal against, the more opaque the further from 0; NaN is transparent."""
    share = np.clip(np.nan_to_num(values) / scale, -1, 1)
    colour = np.where((share >= 0)[..., None], np.array(FOR_FINDING, np.uint8), np.array(AGAINST_FINDING, np.uint8))
    opacity = np.round(255 * MAX_OPACITY * np.abs(share)).astype(np.uint8)
    return np.concatenate([colour, opacity[..., None]], axis=-1)


def _outlines(plan: Plan, result: ScanResult | None, box: TileBox) -> Rgba:
    """Return (h, w, 4): a line around the tissue and, over it, around the regions above the threshold."""
    # One pixel more on each side, so that a line that runs along the border of two tiles is in both.
    around = TileBox(
        (box.size[0] + 2, box.size[1] + 2), (box.corner[0] - box.factor, box.corner[1] - box.factor), box.factor
    )
    down, across = around.centres()
    width, height = plan.slide.size
    inside = np.outer((down > 0) & (down < height), (across > 0) & (across < width))
    drawn = np.zeros((box.size[1], box.size[0], 4), np.uint8)
    drawn[_edges(_tissue(plan, down, across) & inside)] = (*TISSUE_LINE, 255)
    if result:
        above = _probability(result, down, across) >= result.operating_point.threshold
        drawn[_edges(above & inside)] = (*REGION_LINE, 255)
    return drawn


def _edges(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return (h - 2, w - 2): what is inside and has one of its four neighbours outside."""
    neighbours = inside[:-2, 1:-1], inside[2:, 1:-1], inside[1:-1, :-2], inside[1:-1, 2:]
    return inside[1:-1, 1:-1] & ~np.logical_and.reduce(neighbours)


def _probability(result: ScanResult, down: Doubles, across: Doubles) -> npt.NDArray[np.float32]:
    return result.probability_at(down / result.factor[1], across / result.factor[0])


def _tissue(plan: Plan, down: Doubles, across: Doubles) -> npt.NDArray[np.bool_]:
    tissue, factor = plan.survey.tissue, plan.survey.overview_factor
    rows = np.clip((down / factor[1]).astype(int), 0, tissue.shape[0] - 1)
    columns = np.clip((across / factor[0]).astype(int), 0, tissue.shape[1] - 1)
    return tissue[np.ix_(rows, columns)]


def encoded(image: Image.Image, kind: str) -> bytes:
    """Return the image as a file, "png" or "jpeg"."""
    buffer = io.BytesIO()
    image.save(buffer, kind, compress_level=1, quality=85)
    return buffer.getvalue()
