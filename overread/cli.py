"""The ``overread`` command.

overread predict IMAGE [IMAGE|FOLDER ...] --model NAME [--overlay OUT.png] [--json]
overread models
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

import overread
from overread.errors import InputError, OverreadError
from overread.prediction import DISCLAIMER, Prediction

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".jp2", ".ppm", ".pgm", ".avif", ".dcm"}
EXIT_BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 if any input was bad (one line each on stderr, the others are answered)."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "models":
            print("\n".join(overread.names()))
            return 0
        return _predict(options)
    except OverreadError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="overread", description=DISCLAIMER)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("models", help="name the models")
    predict = commands.add_parser("predict", help="answer for pictures")
    predict.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="picture files, or folders of them")
    predict.add_argument("--model", required=True, help="one of `overread models`")
    predict.add_argument("--operating-point", help="which threshold decides (default: the model's choice)")
    predict.add_argument(
        "--overlay", type=Path, help="save the heat map over the picture: a file, for several a folder"
    )
    predict.add_argument("--grid", action="store_true", help="draw the heat map's own cells instead of smoothing them")
    predict.add_argument("--json", action="store_true", help="print one JSON object a line")
    return parser


def _predict(options: argparse.Namespace) -> int:
    pictures = list(_pictures(options.images))
    several = len(pictures) > 1
    classifier = overread.load(options.model)
    classifier.config.operating_point(options.operating_point)
    failures = 0
    # Without a terminal the bar would only fill a log; with one picture there is nothing to wait for.
    for path in tqdm(pictures, unit="image", disable=None if several else True):
        try:
            prediction = classifier.predict(path, options.operating_point, smooth=not options.grid)
        except InputError as error:
            failures += 1
            tqdm.write(f"{path}: {error}", file=sys.stderr)
            continue
        if options.overlay:
            _save_overlay(prediction, path, options.overlay, several)
        tqdm.write(_line(path, prediction, options.json), file=sys.stdout)
    return EXIT_BAD_INPUT if failures else 0


def _pictures(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            if not inside:
                raise InputError(f"There is no picture in the folder {path}.")
            yield from inside
        else:
            yield path


def _save_overlay(prediction: Prediction, path: Path, target: Path, several: bool) -> None:
    if several or target.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        target = target / f"{path.stem}-overlay.png"
    try:
        prediction.overlay.save(target)
    except (OSError, ValueError) as error:  # ValueError: Pillow knows no format of that suffix
        raise InputError(f"The overlay cannot be saved as {target}: {error}") from error


def _line(path: Path, prediction: Prediction, as_json: bool) -> str:
    if as_json:
        return json.dumps({"image": str(path), **prediction.to_json()})
    point = prediction.operating_point
    notes = "".join(f"\n  note: {note}" for note in prediction.notes)
    return (
        f"{path}: {prediction.decision} (probability of {prediction.finding} {prediction.probability:.3f}, "
        f"{point.name} threshold {point.threshold:.3f}){notes}"
    )
