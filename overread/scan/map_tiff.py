"""The probability and evidence maps as one tiled, pyramidal OME-TIFF that covers the whole slide."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from overread.scan.result import ScanResult

TILE = 256
SMALLEST_LEVEL = 512  # pixels: the pyramid ends where its longer side fits


def map_size(result: ScanResult) -> tuple[int, int]:
    """Return (width, height) of the map: its pixels are cells, and the last ones may reach beyond the slide."""
    cell = result.cell_map.cell
    return int(np.ceil(result.grid.x.size / cell)), int(np.ceil(result.grid.y.size / cell))


def write_map(result: ScanResult, path: Path) -> None:
    """Write two float32 channels, "probability" (0..1) and "evidence" (log-odds by cell); NaN in the background.

    The map starts at the slide's corner; ``PhysicalSizeX`` and ``PhysicalSizeY`` are a cell's side in um.
    """
    import tifffile

    width, height = map_size(result)
    levels = 1
    while max(width, height) / 2 ** (levels - 1) > SMALLEST_LEVEL:
        levels += 1
    cell = result.cell_map.cell
    um = result.factor[0] * result.scale.x * cell, result.factor[1] * result.scale.y * cell
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as writer:
        for level in range(levels):
            shape = 2, -(-height // 2**level), -(-width // 2**level)
            writer.write(
                _tiles(result, level, shape[1:]),
                shape=shape,
                dtype=np.float32,
                tile=(TILE, TILE),
                photometric="minisblack",
                compression="zlib",
                subifds=levels - 1 if level == 0 else None,
                subfiletype=1 if level else 0,
                resolution=(1e4 / um[0] / 2**level, 1e4 / um[1] / 2**level),
                resolutionunit="CENTIMETER",
                metadata={
                    "axes": "CYX",
                    "Channel": {"Name": ["probability", "evidence"]},
                    "PhysicalSizeX": um[0],
                    "PhysicalSizeXUnit": "µm",
                    "PhysicalSizeY": um[1],
                    "PhysicalSizeYUnit": "µm",
                }
                if level == 0
                else None,
            )


def _tiles(result: ScanResult, level: int, shape: tuple[int, int]) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the tiles of a level, channel by channel; a pixel is the mean of the cells it covers."""
    for sample in (result.probability_at, result.evidence_at):
        for top in range(0, shape[0], TILE):
            for left in range(0, shape[1], TILE):
                down, across = (
                    (np.arange(start * 2**level, min(start + TILE, side) * 2**level) + 0.5) * result.cell_map.cell
                    for start, side in ((top, shape[0]), (left, shape[1]))
                )
                values = sample(down, across)  # (rows * 2^level, columns * 2^level)
                blocks = values.reshape(values.shape[0] >> level, 2**level, values.shape[1] >> level, 2**level)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RuntimeWarning)  # of nothing but background the mean is NaN
                    yield np.nanmean(blocks, axis=(1, 3)).astype(np.float32)
