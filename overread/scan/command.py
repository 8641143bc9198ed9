"""The command ``overread scan``.

overread scan SLIDE --model NAME --out DIR [--mpp UM] [--exact | --dense] [--stride PX]
"""

import argparse
import json
import sys
from pathlib import Path

from tqdm import tqdm

from overread.exit_codes import EXIT_STOPPED
from overread.scan.errors import ScanCancelledError
from overread.scan.headline import headline
from overread.scan.outputs import write
from overread.scan.plan import Plan, prepare
from overread.scan.progress import Progress
from overread.scan.result import ScanResult
from overread.scan.scanner import CHECKPOINT_FOLDER
from overread.scan.scanner import run as run_plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parser.add_argument("slide", type=Path, metavar="SLIDE", help="whole-slide file, TIFF, PNG, JPEG or DICOM")
    parser.add_argument("--model", required=True, help="a histopathology model, see `overread models`")
    parser.add_argument("--out", type=Path, required=True, help="folder for maps, tables and images")
    parser.add_argument("--mpp", type=float, help="micrometres per pixel (default: what the file says)")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--exact", action="store_true", help="patch by patch: the reference, slower")
    way.add_argument("--dense", action="store_true", help="one pass over large tiles, for single nets")
    parser.add_argument("--stride", type=int, help="pixels between patches at the model's scale (default: about 32)")
    parser.add_argument("--operating-point", help="which threshold makes the regions (default: the model's choice)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(options: argparse.Namespace) -> int:
    """Scan, write the folder, print the summary; return 0, or 130 if the user stopped it.

    Raises:
        OverreadError: if the input or the model is at fault.
    """
    exact = True if options.exact else False if options.dense else None
    with prepare(options.slide, options.model, options.mpp, exact, options.stride) as plan:
        print(_announcement(plan), file=sys.stderr)
        try:
            result = _run_with_bar(plan, options)
        except (KeyboardInterrupt, ScanCancelledError):
            print(
                f"Stopped; what is done is in {options.out / CHECKPOINT_FOLDER}: the same command goes on from there.",
                file=sys.stderr,
            )
            return EXIT_STOPPED
    write(result, options.out)
    print(json.dumps(result.to_json()) if options.json else summary(result, options.out))
    return 0


def _run_with_bar(plan: Plan, options: argparse.Namespace) -> ScanResult:
    with tqdm(total=plan.patches, unit="patch", disable=None) as bar:  # without a terminal it would only fill a log

        def show(progress: Progress) -> None:
            bar.update(progress.done - bar.n)

        return run_plan(plan, options.out, options.operating_point, show)


def _announcement(plan: Plan) -> str:
    tissue = float(plan.tissue_mm2[plan.wanted].sum())
    return (
        f"{plan.name}: {plan.slide.size[0]} x {plan.slide.size[1]} px at {plan.scale}; {tissue:.2f} mm² of tissue, "
        f"{plan.patches} patches at a stride of {plan.grid.x.stride} px, {plan.engine.name}"
    )


def summary(result: ScanResult, folder: Path) -> str:
    """Return what a person wants to read first."""
    lines = [
        f"{result.name}: {headline(result)}",
        *(f"  note: {note}" for note in result.notes),
        f"  {len(result.regions)} regions, maps and tables are in {folder}",
    ]
    return "\n".join(lines)
