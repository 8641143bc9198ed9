"""Patch by patch through the classifier: what a scan answers is what the model says of each patch alone."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.classifier import BATCH_SIZE, Classifier
from overread.scan.engine import CellMap, Stop, TileAnswer, Wanted
from overread.scan.grid import Doubles, Tile


class ExactEngine:
    """Patch by patch through the classifier: the reference, and the only way for ensembles."""

    name = "exact"
    halo = 0
    tile_px = 320  # 64 patches at a stride of 32 px: a second or so between two reports of progress

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
