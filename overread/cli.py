"""The ``overread`` command.

overread predict IMAGE|FOLDER|- ... --model NAME|DOMAIN [--overlay FILE|FOLDER/] [--csv FILE] [--json [--no-heatmap]]
    [--answer-anyway]
overread scan SLIDE --model NAME --out FOLDER
overread models
overread deploy space|web --to OWNER/NAME
overread push --namespace OWNER
"""

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module, metadata
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from overread.catalogue import catalogue, choices
from overread.classifier import Classifier, load
from overread.errors import InputError, OverreadError, RefusedImageError
from overread.image_files import STDIN, find_images
from overread.images import MAX_FILE_BYTES, READABLE
from overread.overlay_files import OverlayFiles
from overread.prediction import DISCLAIMER, Prediction

EXIT_ALL_ANSWERED = 0
EXIT_OUR_FAULT = 1
EXIT_BAD_INPUT = 2
EXIT_REFUSED = 3
EXIT_CODES = f"""exit codes:
  {EXIT_ALL_ANSWERED}  every image was answered
  {EXIT_OUR_FAULT}  the fault is not in the input: a model cannot be loaded, or a bug
  {EXIT_BAD_INPUT}  wrong usage, or an image could not be read; the other images are answered
  {EXIT_REFUSED}  every image could be read, but not each is of the kind that the model reads; the others are answered
     (--answer-anyway answers these too)"""
ELSEWHERE = {  # command: the module in which it is, what it does
    "scan": ("scan.command", "scan a field of view or a slide (pip install overread[scan])"),
    "deploy": ("deploy.command", "put the app or its browser twin on a Hugging Face Space"),
    "push": ("deploy.push_command", "upload model folders to the Hugging Face Hub"),
}
CSV_COLUMNS = (
    *("file", "reading", "decision", "probability", "threshold", "operating_point", "model"),
    *("guard", "notes", "error"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code (see ``EXIT_CODES``); messages are single lines on stderr."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser(given[0] if given else "").parse_args(given)
    try:
        return int(options.run(options))
    except InputError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except OverreadError as error:
        print(error, file=sys.stderr)
        return EXIT_OUR_FAULT
    except BrokenPipeError:  # the reader of our output has seen enough, such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at exit
        return EXIT_OUR_FAULT


def _parser(asked: str) -> argparse.ArgumentParser:
    """Return the parser; options of other modules are read, with their imports, only for the command asked for."""
    layout = argparse.RawDescriptionHelpFormatter  # keeps the lines of the exit codes apart
    parser = argparse.ArgumentParser("overread", description=DISCLAIMER, epilog=EXIT_CODES, formatter_class=layout)
    parser.add_argument("--version", action="version", version=f"overread {_version()}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("models", help="list the models and their domains").set_defaults(run=_models)
    for name, (module, what) in ELSEWHERE.items():
        command = commands.add_parser(name, help=what)
        if name == asked:
            found = import_module(f"overread.{module}")
            command.set_defaults(run=found.run)
            found.add_arguments(command)
    predict = commands.add_parser(
        "predict", help="answer for images", description=DISCLAIMER, epilog=EXIT_CODES, formatter_class=layout
    )
    predict.add_argument(
        "images",
        nargs="+",
        type=Path,
        metavar="IMAGE",
        help=f"a file, a folder (searched with its subfolders for {READABLE}), or - for one image on standard input",
    )
    predict.add_argument("--model", help="one of `overread models`, or a domain for its default model")
    predict.add_argument("--operating-point", metavar="NAME", help="the threshold that decides (default: the model's)")
    predict.add_argument(
        "--overlay",
        metavar="FILE|FOLDER/",
        help="save the image with the heat map over it; several images need a folder and keep their subfolders in it",
    )
    predict.add_argument(
        "--answer-anyway",
        action="store_true",
        help="answer also for images that are not of the kind that the model reads, with a warning",
    )
    predict.add_argument("--grid", action="store_true", help="draw the heat map's own cells instead of smoothing them")
    predict.add_argument("--csv", type=Path, metavar="FILE", help="write one row per image, errors included")
    predict.add_argument("--json", action="store_true", help="print one JSON object per line")
    predict.add_argument("--no-heatmap", action="store_true", help="leave the heat map's cells out of the JSON")
    predict.set_defaults(run=_predict)
    return parser


def _version() -> str:
    try:
        return metadata.version("overread")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "(not installed)"


def _models(options: argparse.Namespace) -> int:
    known = catalogue()
    defaults: dict[str, str] = {}
    for name, model in known.items():
        is_default = defaults.setdefault(model.domain, name) == name
        print(f"{name:<{max(map(len, known))}}  {model.domain}{' (default)' if is_default else ''}")
    return EXIT_ALL_ANSWERED


def _predict(options: argparse.Namespace) -> int:
    if not options.model:
        raise InputError(f"Name a model with --model: one of {', '.join(choices(catalogue()))}.")
    found = find_images(options.images)
    classifier = load(options.model)
    classifier.config.operating_point(options.operating_point)
    overlays = OverlayFiles(options.overlay, found.images) if options.overlay else None
    for file, reason in found.skipped:
        print(f"{file}: skipped, {reason}", file=sys.stderr)
    unreadable = refused = 0
    with _csv_rows(options.csv) if options.csv else nullcontext() as rows:
        # tqdm shows its bar on a terminal only (disable=None); one image needs none.
        for path in tqdm(found.images, unit="image", disable=None if len(found.images) > 1 else True):
            try:
                prediction = _answer(classifier, path, options)
                if overlays:
                    overlays.save(prediction.overlay, path)
            except InputError as error:
                is_refusal = isinstance(error, RefusedImageError)
                refused, unreadable = refused + is_refusal, unreadable + (not is_refusal)
                tqdm.write(f"{path}: {error}", file=sys.stderr)
                guard = "refused" if is_refusal else ""
                row = {"file": path, "model": classifier.identity.name, "guard": guard, "error": error}
            else:
                tqdm.write(_line(path, prediction, options), file=sys.stdout)
                row = _row(path, prediction)
            if rows:
                rows.write(row)
    if unreadable:
        return EXIT_BAD_INPUT
    return EXIT_REFUSED if refused else EXIT_ALL_ANSWERED


def _answer(classifier: Classifier, path: Path, options: argparse.Namespace) -> Prediction:
    source = io.BytesIO(sys.stdin.buffer.read(MAX_FILE_BYTES + 1)) if path == STDIN else path
    return classifier.predict(source, options.operating_point, not options.grid, options.answer_anyway)


def _line(path: Path, prediction: Prediction, options: argparse.Namespace) -> str:
    if options.json:
        return json.dumps({"image": str(path), **prediction.to_json(grid=not options.no_heatmap)})
    point = prediction.operating_point
    notes = "".join(f"\n  note: {note}" for note in prediction.notes)
    disagree = "; members disagree" if prediction.members_disagree else ""
    return (
        f"{path}: {prediction.reading.text} (probability of {prediction.finding} {prediction.probability:.3f}; "
        f"at the {point.name} threshold of {point.threshold:.3f}: {prediction.decision}{disagree}){notes}"
    )


def _row(path: Path, prediction: Prediction) -> dict[str, object]:
    return {
        "file": path,
        "reading": prediction.reading.text,
        "decision": prediction.decision,
        "probability": prediction.probability,
        "threshold": prediction.operating_point.threshold,
        "operating_point": prediction.operating_point.name,
        "model": prediction.model.name,
        "guard": prediction.guard.outcome if prediction.guard else "",
        "notes": " ".join(prediction.notes),
    }


class _CsvRows:
    """A CSV file that is complete up to the last answered image whenever it is read."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._writer = csv.DictWriter(file, CSV_COLUMNS)
        self._writer.writeheader()
        file.flush()

    def write(self, row: dict[str, object]) -> None:
        self._writer.writerow(row)
        self._file.flush()


@contextmanager
def _csv_rows(path: Path) -> Iterator[_CsvRows]:
    try:
        file = path.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise InputError(f"The CSV file {path} cannot be written: {error.strerror}.") from error
    with file:
        yield _CsvRows(file)
