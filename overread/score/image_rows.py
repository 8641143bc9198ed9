"""A part of images, answered: one Parquet row for each, errors included, and no times, so that runs compare."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from overread.classifier import Classifier, load
from overread.score.source import Part, Row
from overread.stack.answering import Wanted, answer
from overread.stack.outcome import Outcome

COLUMNS = (
    pa.field("index", pa.int64(), nullable=False),
    pa.field("image", pa.string(), nullable=False),
    pa.field("kind", pa.string(), nullable=False),  # answered, refused, unreadable or failed
    pa.field("reading", pa.string()),
    pa.field("decision", pa.string()),
    pa.field("probability", pa.float64()),
    pa.field("log_odds", pa.float64()),
    pa.field("threshold", pa.float64()),
    pa.field("operating_point", pa.string(), nullable=False),
    pa.field("members", pa.map_(pa.string(), pa.float64())),
    pa.field("guard", pa.string()),
    pa.field("notes", pa.list_(pa.string())),
    pa.field("error", pa.string()),
    pa.field("image_sha256", pa.string()),
    pa.field("model", pa.string(), nullable=False),
    pa.field("model_sha256", pa.string(), nullable=False),
)
HEATMAP = pa.field("heatmap", pa.list_(pa.list_(pa.float32())))


def schema(kept: Sequence[pa.Field], heatmaps: bool) -> pa.Schema:
    """Return the schema: the answers, then the columns that are kept of the data set."""
    ours = (*COLUMNS, *((HEATMAP,) if heatmaps else ()))
    return pa.schema([*ours, *kept])


def image_scorer(model: str, wanted: Wanted, kept: Sequence[pa.Field]) -> Callable[[Part], pa.Table]:
    """Return what answers parts: the model, loaded here with one thread.

    Images are answered one by one, as ``overread predict`` does, so no answer depends on how parts are cut.
    """
    return partial(_table, load(model, threads=1), wanted, tuple(kept))


def _table(classifier: Classifier, wanted: Wanted, kept: Sequence[pa.Field], part: Part) -> pa.Table:
    rows = [
        _values(part.first + offset, answer(classifier, wanted, row), row, kept)
        for offset, row in enumerate(part.rows())
    ]
    return pa.Table.from_pylist(rows, schema(kept, wanted.grid))


def _values(index: int, outcome: Outcome, row: Row, kept: Sequence[pa.Field]) -> dict[str, Any]:
    found = outcome.document
    answered = outcome.kind == "answered"
    values: dict[str, Any] = {
        "index": index,
        "image": found["image"],
        "kind": outcome.kind,
        "operating_point": found["operating_point"]["name"],
        "error": found.get("error"),
        "image_sha256": found["image_sha256"] or None,
        "model": found["model"]["name"],
        "model_sha256": found["model"]["sha256"],
        **dict(zip((field.name for field in kept), row.kept, strict=True)),
    }
    if answered:
        values |= {
            "reading": found["reading"]["text"],
            "decision": found["decision"],
            "probability": found["probability"],
            "log_odds": found["log_odds"],
            "threshold": found["operating_point"]["threshold"],
            "members": list(found["members"].items()),
            "guard": found["guard"] and found["guard"]["outcome"],
            "notes": found["notes"],
            "heatmap": found["heatmap"].get("values"),
        }
    return values
