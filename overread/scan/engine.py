"""Two ways from a tile's pixels to each patch's log-odds: exact, patch by patch, and dense, in one pass."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from PIL import Image

from overread.classifier import BATCH_SIZE, Classifier
from overread.preprocessing import Preprocessing
from overread.scan.errors import NotScannableError
from overread.scan.grid import Doubles, PatchGrid, Tile, sums_between

Wanted = npt.NDArray[np.bool_]
Stop = Callable[[], None]
MAX_DENSE_INPUT = 1152  # pixels a side of what the net reads at once: an EfficientNet-Lite0 needs 700 MB for them


@dataclass(frozen=True, eq=False)
class TileAnswer:
    """A tile's answers: NaN where a patch was not wanted.

    Attributes:
        log_odds: (rows, columns) float64, one per patch of the tile.
        evidence: (h, w) float32, log-odds per cell, over ``cells`` of the slide's map of cells.
        cells: where ``evidence`` lies in the slide's map.
    """

    log_odds: Doubles
    evidence: npt.NDArray[np.float32]
    cells: tuple[slice, slice]


@dataclass(frozen=True)
class CellMap:
    """The map of cells over the whole slide: it starts where the first patch does.

    ``cell`` is a cell's side in pixels at the model's scale, the patch's side over the net's grid.
    """

    grid: PatchGrid
    cell: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells that lie in some patch at least by half."""
        return tuple(max(1, round(axis.span / self.cell)) for axis in (self.grid.y, self.grid.x))  # type: ignore[return-value]

    def owned(self, tile: Tile) -> tuple[slice, slice]:
        """Return the cells whose centres belong to the tile's patches."""
        found = []
        for axis, cells, (first, last) in zip(
            (self.grid.y, self.grid.x), self.shape, ((tile.top, tile.bottom), (tile.left, tile.right)), strict=True
        ):
            edges = (axis.edges[[first, last]] - axis.offset) / self.cell - 0.5
            start, stop = np.clip(np.ceil(edges), 0, cells).astype(int)
            found.append(slice(int(start), int(stop)))
        return found[0], found[1]

    def centres(self, cells: tuple[slice, slice]) -> tuple[Doubles, Doubles]:
        """Return the positions (down, across) of cells' centres, in pixels at the model's scale."""
        down, across = (np.arange(part.start, part.stop) + 0.5 for part in cells)
        return self.grid.y.offset + down * self.cell, self.grid.x.offset + across * self.cell


class Engine(Protocol):
    """Answers for a tile."""

    name: str
    halo: int  # pixels at the model's scale that it wants around a tile
    tile_px: int  # side of a tile, in pixels at the model's scale, without the halo

    def answer(
        self, pixels: Image.Image, corner: tuple[int, int], tile: Tile, wanted: Wanted, stop: Stop
    ) -> TileAnswer:
        """Return the tile's answers.

        Args:
            pixels: the tile's pixels with a halo where the slide has one.
            corner: (x, y) of ``pixels`` in the slide at the model's scale.
            tile: which patches.
            wanted: (rows, columns) which of them to answer.
            stop: called between passes; it may raise.
        """
        ...


class ExactEngine:
    """Patch by patch through the classifier: the reference, and the only way for ensembles."""

    name = "exact"
    halo = 0
    tile_px = 512  # 200 patches at a stride of 32 px: some seconds between two reports of progress

    def __init__(self, classifier: Classifier, cell_map: CellMap) -> None:
        """Take the classifier and the geometry."""
        self._classifier, self._map = classifier, cell_map

    def answer(
        self, pixels: Image.Image, corner: tuple[int, int], tile: Tile, wanted: Wanted, stop: Stop
    ) -> TileAnswer:
        """Return the tile's answers; see ``Engine``."""
        grid = self._map.grid
        patch = grid.x.patch
        places = np.argwhere(wanted)  # (n, 2) row, column within the tile
        log_odds = np.full(wanted.shape, np.nan)
        heatmaps: dict[tuple[int, int], npt.NDArray[np.float32]] = {}
        for first in range(0, len(places), BATCH_SIZE):
            stop()
            batch = [(int(row), int(column)) for row, column in places[first : first + BATCH_SIZE]]
            crops = []
            for row, column in batch:
                x = int(grid.x.starts[tile.left + column]) - corner[0]
                y = int(grid.y.starts[tile.top + row]) - corner[1]
                crops.append(pixels.crop((x, y, x + patch, y + patch)))
            found = self._classifier.evidence(crops)
            for index, place in enumerate(batch):
                log_odds[place] = found.log_odds[index]
                heatmaps[place] = found.heatmap[index]
        return self._joined(tile, log_odds, heatmaps)

    def _joined(
        self, tile: Tile, log_odds: Doubles, heatmaps: dict[tuple[int, int], npt.NDArray[np.float32]]
    ) -> TileAnswer:
        """Give each cell the evidence that the patch with the nearest centre has there."""
        grid, cells = self._map.grid, self._map.owned(tile)
        down, across = self._map.centres(cells)
        evidence = np.full((len(down), len(across)), np.nan, np.float32)
        rows, columns = grid.y.owner(down), grid.x.owner(across)
        for (row, column), heatmap in heatmaps.items():
            mine_down = np.flatnonzero(rows == tile.top + row)
            mine_across = np.flatnonzero(columns == tile.left + column)
            inner_down = (down[mine_down] - grid.y.starts[tile.top + row]) / self._map.cell
            inner_across = (across[mine_across] - grid.x.starts[tile.left + column]) / self._map.cell
            evidence[np.ix_(mine_down, mine_across)] = heatmap[
                np.ix_(
                    np.clip(inner_down.astype(int), 0, heatmap.shape[0] - 1),
                    np.clip(inner_across.astype(int), 0, heatmap.shape[1] - 1),
                )
            ]
        return TileAnswer(log_odds, evidence, cells)


class DenseEngine:
    """One pass over the tile: each cell's evidence once; a patch's log-odds are the sum of its cells plus the bias.

    The map is an exact decomposition of the log-odds (see ``overread.net``), so that sum is what the net would say if
    its convolutions saw the patch's surroundings instead of zero padding: near to a single patch's answer, not equal.
    """

    name = "dense"
    halo = 72  # where the net sees tissue instead of padding: beyond, log-odds change by hundredths

    def __init__(
        self,
        session: ort.InferenceSession,
        preprocessing: Preprocessing,
        bias: float,
        cell_map: CellMap,
        recalibration: tuple[float, float] = (1.0, 0.0),
    ) -> None:
        """Take the session of a file that accepts any size, and the geometry.

        Args:
            session: with input ``pixel_values`` and output ``heatmap``; see ``overread.scan.dynamic_onnx``.
            preprocessing: of single patches.
            bias: what completes a patch's cells to its log-odds.
            cell_map: the geometry.
            recalibration: slope and intercept that bring dense log-odds onto the scale of single patches.

        Raises:
            NotScannableError: if the cells are no whole pixels, or the stride no whole cells.
        """
        cell, stride = cell_map.cell, cell_map.grid.x.stride
        if cell != int(cell):
            raise NotScannableError("The net's grid does not divide a patch into whole pixels: scan it patch by patch.")
        if stride % int(cell):
            low = max(1, int(stride // cell)) * int(cell)
            raise NotScannableError(
                f"A dense scan of this model takes strides of whole cells of {int(cell)} px: {low} or "
                f"{low + int(cell)}, not {stride}."
            )
        self._session, self._preprocessing, self._map = session, preprocessing, cell_map
        slope, intercept = recalibration
        self._slope, self._bias = np.float32(slope), slope * bias + intercept
        self.tile_px = MAX_DENSE_INPUT * cell_map.grid.x.patch // preprocessing.width - 2 * self.halo
        self._options = ort.RunOptions()
        # Tiles differ in size, and without this each new size would add to the memory that onnxruntime keeps.
        self._options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def answer(
        self, pixels: Image.Image, corner: tuple[int, int], tile: Tile, wanted: Wanted, stop: Stop
    ) -> TileAnswer:
        """Return the tile's answers; see ``Engine``."""
        stop()
        grid, cell = self._map.grid, self._map.cell
        first_cell, heatmap = self._heatmap(pixels, corner)
        log_odds: npt.NDArray[np.floating] = heatmap
        for axis, positions, (first, last), origin in (
            (0, grid.y, (tile.top, tile.bottom), first_cell[1]),
            (1, grid.x, (tile.left, tile.right), first_cell[0]),
        ):
            starts = (positions.starts[first:last] - positions.offset) / cell - origin
            log_odds = sums_between(log_odds, starts, starts + positions.patch / cell, axis)
        cells = self._map.owned(tile)
        evidence = np.full((cells[0].stop - cells[0].start, cells[1].stop - cells[1].start), np.nan, np.float32)
        down, own_down = _overlap(cells[0], first_cell[1], heatmap.shape[0])
        across, own_across = _overlap(cells[1], first_cell[0], heatmap.shape[1])
        evidence[own_down, own_across] = heatmap[down, across]
        centres = self._map.centres(cells)
        row, column = grid.y.owner(centres[0]), grid.x.owner(centres[1])
        evidence[~wanted[np.ix_(row - tile.top, column - tile.left)]] = np.nan
        return TileAnswer(np.where(wanted, log_odds + self._bias, np.nan), evidence, cells)

    def _heatmap(self, pixels: Image.Image, corner: tuple[int, int]) -> tuple[tuple[int, int], npt.NDArray[np.float32]]:
        """Return the (x, y) index of the first cell in the slide's map, negative in the halo, and the tile's cells."""
        grid, cell = self._map.grid, int(self._map.cell)
        from_offset = corner[0] - grid.x.offset, corner[1] - grid.y.offset
        first = -(-from_offset[0] // cell), -(-from_offset[1] // cell)  # rounded up: only cells that are wholly there
        left, top = first[0] * cell - from_offset[0], first[1] * cell - from_offset[1]
        columns, rows = (pixels.width - left) // cell, (pixels.height - top) // cell
        inner = pixels.crop((left, top, left + columns * cell, top + rows * cell))
        side = self._preprocessing.width * cell // grid.x.patch  # of a cell, in pixels that the net reads
        read = replace(self._preprocessing, width=columns * side, height=rows * side)
        heatmap = self._session.run(["heatmap"], {"pixel_values": read([inner])}, self._options)[0][0]
        return first, self._slope * heatmap


def _overlap(wanted: slice, start: int, count: int) -> tuple[slice, slice]:
    """Return where ``wanted`` and ``start .. start + count`` overlap, seen from either's own start."""
    low, high = max(wanted.start, start), max(min(wanted.stop, start + count), wanted.start)
    return slice(low - start, max(high, low) - start), slice(low - wanted.start, max(high, low) - wanted.start)
