"""What answers a tile of a slide: the geometry of its map, and what ``exact`` and ``dense`` have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.scan.grid import Doubles, PatchGrid, Tile

Wanted = npt.NDArray[np.bool_]
Stop = Callable[[], None]


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
