"""Connected patches at or above a threshold as polygons, and the patches worth a look."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from overread.scan.errors import NotScannableError
from overread.scan.grid import Doubles, PatchGrid
from overread.scan.openslide_reader import NOT_INSTALLED

if TYPE_CHECKING:
    from shapely import Polygon  # type: ignore[import-untyped]


@dataclass(frozen=True, eq=False)
class SuspiciousRegion:
    """Connected tissue at or above a threshold.

    Attributes:
        polygon: in pixels of the slide's full resolution, with holes.
        tissue_mm2: tissue inside.
        mean_probability: over its patches.
        largest_probability: likewise.
    """

    polygon: "Polygon"
    tissue_mm2: float
    mean_probability: float
    largest_probability: float


def suspicious_regions(
    probability: Doubles, threshold: float, grid: PatchGrid, factor: tuple[float, float], tissue_mm2: Doubles
) -> tuple[SuspiciousRegion, ...]:
    """Return the regions made of what patches at or above the threshold own, the largest first.

    Args:
        probability: (rows, columns) by patch; NaN in the background.
        threshold: of an operating point.
        grid: the patches.
        factor: slide pixels per pixel at the model's scale, (across, down).
        tissue_mm2: (rows, columns) by patch.

    Raises:
        NotScannableError: if shapely is not installed.
    """
    try:
        import shapely
    except ImportError as error:
        raise NotScannableError(NOT_INSTALLED) from error
    positive = probability >= threshold  # NaN is not
    rows, columns = np.nonzero(positive)
    if not len(rows):
        return ()
    across, down = grid.x.edges * factor[0], grid.y.edges * factor[1]
    first, last, row = _runs(positive)
    merged = shapely.union_all(shapely.box(across[first], down[row], across[last], down[row + 1]))
    polygons = list(shapely.get_parts(merged))
    centres = shapely.points((across[columns] + across[columns + 1]) / 2, (down[rows] + down[rows + 1]) / 2)
    patch, polygon = shapely.STRtree(polygons).query(centres, predicate="within")
    regions = []
    for index, outline in enumerate(polygons):
        inside = patch[polygon == index]
        values = probability[rows[inside], columns[inside]]
        area = float(tissue_mm2[rows[inside], columns[inside]].sum())
        regions.append(
            SuspiciousRegion(shapely.normalize(outline.simplify(0)), area, float(values.mean()), float(values.max()))
        )
    return tuple(sorted(regions, key=lambda region: -region.tissue_mm2))


def _runs(positive: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], ...]:
    """Return each horizontal run of True as (first column, column after the last, row)."""
    steps = np.diff(np.pad(positive.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, first = np.nonzero(steps == 1)
    _, last = np.nonzero(steps == -1)
    return first, last, row


def most_suspicious(log_odds: Doubles, grid: PatchGrid, count: int) -> list[tuple[int, int]]:
    """Return (row, column) of at most ``count`` patches by falling log-odds, none of which overlaps another."""
    answered = np.flatnonzero(np.isfinite(log_odds))
    order = answered[np.argsort(-log_odds.ravel()[answered], kind="stable")]
    chosen: list[tuple[int, int]] = []
    for row, column in zip(*np.unravel_index(order, log_odds.shape), strict=True):
        apart = (
            abs(row - other_row) * grid.y.stride >= grid.y.patch or abs(column - other) * grid.x.stride >= grid.x.patch
            for other_row, other in chosen
        )
        if all(apart):
            chosen.append((int(row), int(column)))
            if len(chosen) == count:
                break
    return chosen
