"""Runs of ``overread score`` in a process of their own, with a model that ships."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]


def command(source: str | Path, out: Path, *more: str) -> list[str]:
    """Return the command line."""
    model = ("--model", "pcam-resnet18", "--out", str(out))
    return [sys.executable, "-m", "overread", "score", str(source), *model, *more]


def score(
    source: str | Path, out: Path, *more: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    environment = {**(environment or os.environ), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command(source, out, *more), cwd=out.parent, env=environment, capture_output=True, text=True, timeout=300
    )


def table_of(out: Path) -> pa.Table:
    """Return all rows of a run, in the order of its part files."""
    return pa.concat_tables(pq.read_table(file) for file in sorted(out.glob("*.parquet")))
