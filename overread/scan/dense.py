"""One pass over a whole tile: every patch in it is answered from the same map."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from PIL import Image

from overread.preprocessing import Preprocessing
from overread.scan.engine import CellMap, Stop, TileAnswer, Wanted
from overread.scan.errors import NotScannableError
from overread.scan.grid import Tile, sums_between

MAX_DENSE_INPUT = 1152  # pixels a side of what the net reads at once: an EfficientNet-Lite0 needs 700 MB for them


class DenseEngine:
    """One pass over the tile: each cell's evidence once; a patch's log-odds are the sum of its cells plus the bias.

    The map is an exact decomposition of the log-odds (``heatmap.sum() + bias``), so that sum is what the net would say
    if its convolutions saw the patch's surroundings instead of zero padding: near to a single patch's answer only.
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
