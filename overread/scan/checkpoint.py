"""A scan's answers while it runs: arrays in memory, or on disk so that a stopped scan goes on where it was."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overread.scan.engine import TileAnswer
from overread.scan.grid import Tile

SETTINGS_FILE = "settings.json"


class Answers:
    """Log-odds by patch, evidence by cell, and which tiles are done.

    Attributes:
        log_odds: (rows, columns) float64; NaN where a patch is not answered.
        evidence: (h, w) float32; NaN where no answered patch owns a cell.
        done: (tiles,) bool.
    """

    def __init__(
        self,
        patches: tuple[int, int],
        cells: tuple[int, int],
        tiles: int,
        folder: Path | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Make room for the answers, or take them from a checkpoint of the same scan.

        Args:
            patches: rows and columns of patches.
            cells: rows and columns of cells.
            tiles: their number.
            folder: of the checkpoint; None keeps everything in memory.
            settings: what must be equal for a checkpoint to be taken up; another one is started anew.
        """
        self._folder = folder
        described = json.dumps(settings, sort_keys=True)
        resumed = False
        if folder:
            file = folder / SETTINGS_FILE
            resumed = file.is_file() and file.read_text(encoding="utf-8") == described
            if not resumed:  # of another scan, or stopped before it was complete
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
        self.log_odds = self._array("log_odds", patches, np.float64, np.nan, resumed)
        self.evidence = self._array("evidence", cells, np.float32, np.nan, resumed)
        self.done = self._array("done", (tiles,), np.bool_, False, resumed)
        if folder and not resumed:
            file.write_text(described, encoding="utf-8")  # last: without it a checkpoint is not taken up

    def _array(self, name: str, shape: tuple[int, ...], dtype: Any, fill: Any, resumed: bool) -> npt.NDArray[Any]:
        if not self._folder:
            return np.full(shape, fill, dtype)
        path = self._folder / f"{name}.npy"
        if resumed:
            return np.lib.format.open_memmap(path, "r+")
        array = np.lib.format.open_memmap(path, "w+", dtype, shape)
        array[...] = fill
        return array

    def put(self, index: int, tile: Tile, answer: TileAnswer) -> None:
        """Keep a tile's answers; it counts as done once they are on disk."""
        self.log_odds[tile.patches] = answer.log_odds
        self.evidence[answer.cells] = answer.evidence
        for array in (self.log_odds, self.evidence):
            if isinstance(array, np.memmap):
                array.flush()
        self.done[index] = True
        if isinstance(self.done, np.memmap):
            self.done.flush()

    def into_memory(self) -> None:
        """Replace arrays on disk by copies, and delete the checkpoint: the scan is finished."""
        self.log_odds, self.evidence, self.done = (np.array(a) for a in (self.log_odds, self.evidence, self.done))
        if self._folder:
            shutil.rmtree(self._folder)
