"""The command ``overread score``.

overread score SOURCE --model NAME|DOMAIN --out FOLDER [--engine local|ray] [--processes N] [--split NAME]
    [--keep COLUMN] ... [--heatmaps] [--slides] [--answer-anyway]
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from tqdm import tqdm

from overread.classifier import load
from overread.errors import InputError
from overread.exit_codes import EXIT_CODES, EXIT_STOPPED, exit_code
from overread.prediction import DISCLAIMER
from overread.stack.answering import Wanted

if TYPE_CHECKING:
    from overread.score.engines import Task
    from overread.score.opening import Opened
    from overread.score.source import Part

NEEDS = {"local": ("pyarrow", "score"), "ray": ("ray", "ray")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DISCLAIMER, EXIT_CODES
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="Parquet, a file or a folder; a data set on the Hub, OWNER/NAME; a folder, a zip, or a text file with a "
        "path on each line, of images or of slides",
    )
    parser.add_argument("--model", required=True, help="one of `overread models`, or a domain for its default model")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for the answers, as Parquet files")
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="processes here, or a Ray cluster")
    parser.add_argument(
        "--processes", type=int, metavar="N", help="processes, or actors of Ray (default: one for each CPU)"
    )
    parser.add_argument("--ray-address", metavar="ADDRESS", help="of the cluster (default: RAY_ADDRESS, or one here)")
    parser.add_argument("--split", help="of a data set: only its files of this split")
    parser.add_argument("--image-column", metavar="NAME", help="of a data set (default: the first that holds images)")
    parser.add_argument(
        "--keep", action="append", default=[], metavar="COLUMN", help="copy this column of the data set; repeatable"
    )
    parser.add_argument("--slides", action="store_true", help="scan every file as a slide, whatever its name")
    parser.add_argument("--operating-point", metavar="NAME", help="the threshold that decides (default: the model's)")
    parser.add_argument("--answer-anyway", action="store_true", help="answer also what the guard refuses")
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument("--mpp", type=float, metavar="UM", help="micrometres per pixel, for a model of patches")
    scale.add_argument("--squash", action="store_true", help="take each whole image for a patch, whatever its scale")
    parser.add_argument("--heatmaps", action="store_true", help="write the map's cells too")
    parser.add_argument("--part-rows", type=int, default=512, metavar="N", help="images in a part file (default: 512)")


def run(options: argparse.Namespace) -> int:
    """Score the source, part by part, and return the exit code; a run that was stopped goes on where it was.

    Raises:
        OverreadError: the source, the folder or the model is at fault.
    """
    _check(options)
    from overread.score.engines import Task
    from overread.score.opening import Selection, open_source
    from overread.score.part_files import PartFiles

    chosen = Selection(options.split, options.image_column, tuple(options.keep), options.part_rows, options.slides)
    opened = open_source(options.source, chosen)
    classifier = load(options.model)
    point = classifier.config.operating_point(options.operating_point).name
    wanted = Wanted(
        operating_point=options.operating_point,
        answer_anyway=options.answer_anyway,
        mpp=options.mpp,
        squash=options.squash,
        grid=options.heatmaps,
    )
    question = {
        **asdict(wanted),
        "source": options.source,
        "columns": list(options.keep),
        "slides": opened.slides,
        "operating_point": point,
        "model": {"name": classifier.identity.name, "sha256": classifier.identity.sha256},
    }
    files = PartFiles(options.out, opened.parts, question)
    for file, reason in opened.skipped:
        print(f"{file}: skipped, {reason}", file=sys.stderr)
    task = Task(options.model, wanted, opened.kept, opened.slides, options.out.absolute(), len(opened.parts))
    started = perf_counter()
    try:
        answered_now = _score(options, task, files.todo(opened.parts), opened)
    except KeyboardInterrupt:
        print(f"Stopped; whole parts are in {options.out}: the same command goes on from there.", file=sys.stderr)
        return EXIT_STOPPED
    kinds = files.kinds()
    seconds = perf_counter() - started
    print(
        f"{options.out}: {kinds.total()} rows, {kinds['answered']} answered, {kinds['refused']} refused, "
        f"{kinds['unreadable']} unreadable, {kinds['failed']} failed; {answered_now} of them now, in {seconds:.1f} s"
    )
    return exit_code(kinds)


def _check(options: argparse.Namespace) -> None:
    needed, extra = NEEDS[options.engine]
    if not find_spec(needed):
        raise InputError(f"overread score needs {needed}: pip install overread[{extra}].")
    for name in ("processes", "part_rows"):
        if (value := getattr(options, name)) is not None and value < 1:
            raise InputError(f"--{name.replace('_', '-')} must be 1 or more, not {value}.")


def _score(options: argparse.Namespace, task: "Task", todo: Sequence["Part"], opened: "Opened") -> int:
    """Answer the parts that are left and return their number of rows."""
    from overread.score.engines import score_here, score_with_ray

    left = sum(part.count for part in todo)
    done: Iterator[int] = iter(())
    if todo and options.engine == "ray":
        done = score_with_ray(task, todo, options.processes, options.ray_address or os.environ.get("RAY_ADDRESS"))
    elif todo:
        done = score_here(task, todo, options.processes)
    unit = "slide" if opened.slides else "image"
    with tqdm(total=opened.rows, initial=opened.rows - left, unit=unit, disable=None) as bar:
        for rows in done:
            bar.update(rows)
    return left
