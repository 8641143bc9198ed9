"""The answered patches as CSV, one a line, in reading order."""

import csv
from pathlib import Path

import numpy as np

from overread.scan.result import ScanResult

COLUMNS = ("row", "column", "x", "y", "width", "height", "log_odds", "probability", "tissue_mm2", "positive")


def write_patches(result: ScanResult, path: Path) -> None:
    """Write the table; ``x``, ``y``, ``width``, ``height`` are in pixels of the slide's full resolution."""
    across, down = result.factor
    width, height = result.grid.x.patch * across, result.grid.y.patch * down
    probability = result.probability
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for row, column in np.argwhere(np.isfinite(result.log_odds)):
            p = probability[row, column]
            table.writerow(
                (
                    row,
                    column,
                    f"{result.grid.x.starts[column] * across:.2f}",
                    f"{result.grid.y.starts[row] * down:.2f}",
                    f"{width:.2f}",
                    f"{height:.2f}",
                    f"{result.log_odds[row, column]:.6f}",
                    f"{p:.6f}",
                    f"{result.tissue_mm2[row, column]:.6f}",
                    int(p >= result.operating_point.threshold),
                )
            )
