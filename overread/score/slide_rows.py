"""A slide, scanned: one Parquet row for each, with its patches in a column of their own."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from overread.errors import InputError
from overread.scan import ScanResult, scan
from overread.scan.models import ScanModel, scan_model
from overread.score.source import Part, Row
from overread.stack.answering import Wanted

PATCH = pa.struct([("x", pa.float32()), ("y", pa.float32()), ("log_odds", pa.float64()), ("probability", pa.float64())])
SCHEMA = pa.schema(
    [
        pa.field("index", pa.int64(), nullable=False),
        pa.field("image", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # answered or unreadable
        pa.field("operating_point", pa.string(), nullable=False),
        pa.field("threshold", pa.float64()),
        pa.field("share_above", pa.float64()),
        pa.field("area_above_mm2", pa.float64()),
        pa.field("area_low_mm2", pa.float64()),
        pa.field("area_high_mm2", pa.float64()),
        pa.field("tissue_mm2", pa.float64()),
        pa.field("largest_probability", pa.float64()),
        pa.field("regions", pa.int64()),
        pa.field("um_per_px", pa.float64()),
        pa.field("scale_source", pa.string()),
        pa.field("engine", pa.string()),
        pa.field("patch_side", pa.float64()),  # pixels of the slide
        pa.field("patches", pa.list_(PATCH)),  # x and y of their top left corner, pixels of the slide
        pa.field("notes", pa.list_(pa.string())),
        pa.field("error", pa.string()),
        pa.field("image_sha256", pa.string()),  # of files up to 32 MB
        pa.field("model", pa.string(), nullable=False),
        pa.field("model_sha256", pa.string(), nullable=False),
    ]
)


def slide_scorer(model: str, wanted: Wanted) -> Callable[[Part], pa.Table]:
    """Return what scans slides: the model, loaded here with one thread.

    Raises:
        InputError: the model reads no patches.
    """
    return partial(_table, scan_model(model, 1), wanted)


def _table(model: ScanModel, wanted: Wanted, part: Part) -> pa.Table:
    rows = [_values(model, wanted, part.first + offset, row) for offset, row in enumerate(part.rows())]
    return pa.Table.from_pylist(rows, SCHEMA)


def _values(model: ScanModel, wanted: Wanted, index: int, row: Row) -> dict[str, Any]:
    identity = model.classifier.identity
    point = model.classifier.config.operating_point(wanted.operating_point)
    values = {
        "index": index,
        "image": str(row.path),
        "operating_point": point.name,
        "image_sha256": row.sha256() or None,
        "model": identity.name,
        "model_sha256": identity.sha256,
    }
    try:
        result = scan(row.path, model, wanted.mpp, operating_point=wanted.operating_point)
    except InputError as error:
        return {**values, "kind": "unreadable", "error": str(error)}
    low, high = result.area_interval_mm2
    found = result.to_json()
    return {
        **values,
        "kind": "answered",
        "threshold": point.threshold,
        "share_above": result.burden.share,
        "area_above_mm2": result.burden.area_mm2,
        "area_low_mm2": low,
        "area_high_mm2": high,
        "tissue_mm2": found["tissue_mm2"],
        "largest_probability": found["largest_probability"],
        "regions": len(result.regions),
        "um_per_px": result.scale.x,
        "scale_source": result.scale.source,
        "engine": result.engine,
        "patch_side": result.grid.x.patch * result.factor[0],
        "patches": _patches(result),
        "notes": list(result.notes),
    }


def _patches(result: ScanResult) -> list[dict[str, float]]:
    across, down = result.factor
    probability = result.probability
    return [
        {
            "x": float(result.grid.x.starts[column] * across),
            "y": float(result.grid.y.starts[row] * down),
            "log_odds": float(result.log_odds[row, column]),
            "probability": float(probability[row, column]),
        }
        for row, column in np.argwhere(np.isfinite(result.log_odds))
    ]
