"""Rows per second of ``overread score``: python -m benchmarks.score [--model NAME] [--rows 500] [--price-hour 0.0816]

Local engine with 1 and 2 processes, Ray with 1 and 2 workers, each with two sizes of one data set: the rate is the
difference in rows over the difference in time, and what the smaller run took beyond that rate is the start (imports,
model, cluster). Beside them one thread that only calls ``Classifier.predict``, for the overhead of each engine, and one
field scanned as a slide. The engines' rows are compared. Writes ``benchmarks/score.json`` and ``benchmarks/score.md``.
"""

import argparse
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

import overread
from benchmarks.score_table import PRICE_HOUR, render
from overread.catalogue import resolve
from tests.support.patch_table import turned

RESULT = Path(__file__).with_suffix(".json")
TABLE = Path(__file__).with_suffix(".md")
LARGER = 3  # times the rows of the smaller run
PART_ROWS = 50
FIELD_SIDE = 11  # patches a side of the field that is scanned
PATCH, UM_PER_PX = 96, 0.972
SETTINGS = (("local", 1), ("local", 2), ("ray", 1), ("ray", 2))


def main() -> None:
    """Measure, print the table and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="histopathology", help="a model of patches, or its domain's default")
    parser.add_argument("--rows", type=int, default=500, help="of the smaller data set")
    parser.add_argument("--price-hour", type=float, default=PRICE_HOUR, help="USD for an hour of this machine")
    options = parser.parse_args()
    model = resolve(options.model).name
    with tempfile.TemporaryDirectory() as name:
        measured = measure(Path(name), model, options.rows)
    RESULT.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    table = render(measured, options.price_hour)
    TABLE.write_text(table, encoding="utf-8")
    print(table)


def measure(folder: Path, model: str, rows: int) -> dict[str, Any]:
    """Return all measurements with one model as JSON-ready values."""
    small, large = (data_set(folder / f"{count}.parquet", count) for count in (rows, LARGER * rows))
    engines: list[dict[str, Any]] = []
    for engine, workers in SETTINGS:
        seconds = [score(source, folder, model, engine, workers) for source in (small, large)]
        rate = (LARGER - 1) * rows / (seconds[1] - seconds[0])
        start = seconds[0] - rows / rate
        engines.append({"engine": engine, "workers": workers, "rows_per_second": rate, "start_seconds": start})
    answers = [answers_in(folder, small, engine, workers) for engine, workers in SETTINGS]
    return {
        "model": model,
        "rows": [rows, LARGER * rows],
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "predict_per_second": predict_rate(model, rows),
        "engines": engines,
        "same_rows": all(other.equals(answers[0]) for other in answers[1:]),
        "scan": scan(folder, model, engines[0]["start_seconds"]),
    }


def data_set(file: Path, rows: int) -> Path:
    """Write the examples again and again, each in all its flips and turns, as Parquet and return the file."""
    images = [{"bytes": turned(number), "path": None} for number in range(rows)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(pa.table({"image": pa.array(images, kind)}), file, row_group_size=PART_ROWS)
    return file


def score(source: Path, folder: Path, model: str, engine: str, workers: int, *more: str) -> float:
    """Return the seconds of one run, from its start to its end."""
    command = [sys.executable, "-m", "overread", "score", str(source), "--model", model, "--engine", engine]
    command += ["--out", str(out(folder, source, engine, workers)), "--processes", str(workers)]
    command += ["--part-rows", str(PART_ROWS), "--answer-anyway", *more]
    started = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started


def out(folder: Path, source: Path, engine: str, workers: int) -> Path:
    """Return the folder of a run's answers."""
    return folder / f"{source.stem}-{engine}-{workers}"


def answers_in(folder: Path, source: Path, engine: str, workers: int) -> pa.Table:
    """Return the rows of a run."""
    return pa.concat_tables(
        pq.read_table(file) for file in sorted(out(folder, source, engine, workers).glob("*.parquet"))
    )


def predict_rate(model: str, rows: int) -> float:
    """Return answers per second of one thread that only predicts."""
    classifier = overread.load(model, threads=1)
    images = [turned(number) for number in range(rows)]
    classifier.predict(images[0], answer_anyway=True)
    started = perf_counter()
    for image in images:
        classifier.predict(image, answer_anyway=True)
    return rows / (perf_counter() - started)


def scan(folder: Path, model: str, start: float) -> dict[str, float]:
    """Return megapixels, at the model's scale, and seconds beyond the start of a field scanned by one process."""
    field = Image.new("RGB", (FIELD_SIDE * PATCH, FIELD_SIDE * PATCH))
    for number in range(FIELD_SIDE**2):
        patch = Image.open(io.BytesIO(turned(number)))
        field.paste(patch, (number % FIELD_SIDE * PATCH, number // FIELD_SIDE * PATCH))
    file = folder / "field.tif"
    field.save(file)
    seconds = score(file, folder, model, "local", 1, "--slides", "--mpp", str(UM_PER_PX))
    return {"megapixels": field.width * field.height / 1e6, "seconds": seconds - start}


if __name__ == "__main__":
    main()
