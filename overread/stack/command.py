"""The command ``overread predict``.

overread predict IMAGE|FOLDER|ZIP|- ... --model NAME|DOMAIN [--overlay FILE|FOLDER/] [--csv FILE] [--json]
    [--jsonl FILE] [--no-heatmap] [--answer-anyway] [--mpp UM | --squash] [--processes N] [--resume]
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tqdm import tqdm

from overread.catalogue import catalogue, choices
from overread.classifier import Classifier, load
from overread.errors import InputError
from overread.exit_codes import EXIT_CODES, EXIT_STOPPED, exit_code
from overread.images import READABLE
from overread.overlay_files import OverlayFiles
from overread.prediction import DISCLAIMER, ModelIdentity
from overread.stack.answer_files import AnswerFile, CsvFile, JsonLinesFile
from overread.stack.answering import Wanted, answer, in_a_process
from overread.stack.items import Found, Item, find_items
from overread.stack.outcome import Outcome, not_answered
from overread.stack.processes import in_processes
from overread.stack.resuming import Resumed, resume


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter  # keeps the lines of the exit codes apart
    parser.description, parser.epilog = DISCLAIMER, EXIT_CODES
    parser.add_argument(
        "images",
        nargs="+",
        type=Path,
        metavar="IMAGE",
        help=f"a file, a folder (searched with its subfolders for {READABLE}), a zip of such files, or - for one image "
        "on standard input",
    )
    parser.add_argument("--model", help="one of `overread models`, or a domain for its default model")
    parser.add_argument("--operating-point", metavar="NAME", help="the threshold that decides (default: the model's)")
    parser.add_argument(
        "--overlay",
        metavar="FILE|FOLDER/",
        help="save the image with the heat map over it; several images need a folder and keep their subfolders in it",
    )
    parser.add_argument(
        "--answer-anyway",
        action="store_true",
        help="answer also for images that are not of the kind that the model reads, with a warning",
    )
    parser.add_argument("--grid", action="store_true", help="draw the heat map's own cells instead of smoothing them")
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument("--mpp", type=float, metavar="UM", help="micrometres per pixel, for a model of patches")
    scale.add_argument("--squash", action="store_true", help="take each whole image for a patch, whatever its scale")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write one row per image, errors included")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.add_argument("--jsonl", type=Path, metavar="FILE", help="write these lines to a file, errors included")
    parser.add_argument("--no-heatmap", action="store_true", help="leave the heat map's cells out of the JSON")
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        metavar="N",
        help="answer in N processes of one thread each (default: 1 with all threads); rows come as they are known, so "
        "with more than one process in no fixed order",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the files of --csv and --jsonl: images whose rows are there, by path and digest, are skipped",
    )


def run(options: argparse.Namespace) -> int:
    """Answer the images, print and write their rows as they are known, and return the exit code.

    Raises:
        OverreadError: no image can be answered, because the usage or the model is at fault.
    """
    _check(options)
    found = find_items(options.images)
    classifier = load(options.model)
    point = classifier.config.operating_point(options.operating_point).name
    files = [(kind, path) for kind, path in ((CsvFile, options.csv), (JsonLinesFile, options.jsonl)) if path]
    question = (classifier.identity.sha256, point)
    left = resume(found.items, files, question, options.answer_anyway) if options.resume else None
    overlays = OverlayFiles(options.overlay, [item.path for item in found.items]) if options.overlay else None
    wanted = Wanted(
        options.operating_point,
        not options.grid,
        options.answer_anyway,
        options.mpp,
        options.squash,
        not options.no_heatmap,
        overlays,
    )
    for file, reason in found.skipped:
        print(f"{file}: skipped, {reason}", file=sys.stderr)
    todo = left.todo if left else found.items
    with ExitStack() as stack:
        opened = _open(files, left, stack)
        outcomes = _outcomes(classifier, wanted, todo, options)
        try:
            kinds = _write(outcomes, opened, found, len(todo), options.json)
        except KeyboardInterrupt:
            hint = ": with --resume the same command goes on from there" if files else ""
            print(f"Stopped{hint}.", file=sys.stderr)
            return EXIT_STOPPED
    if left:
        kinds.update(refused=left.refused, unreadable=left.unreadable)
    return exit_code(kinds)


def _check(options: argparse.Namespace) -> None:
    if not options.model:
        raise InputError(f"Name a model with --model: one of {', '.join(choices(catalogue()))}.")
    if options.processes < 1:
        raise InputError(f"--processes must be 1 or more, not {options.processes}.")
    if options.resume and not (options.csv or options.jsonl):
        raise InputError("--resume needs the file to go on with: --csv FILE or --jsonl FILE.")


def _open(files: Sequence[tuple[type[AnswerFile], Path]], left: Resumed | None, stack: ExitStack) -> list[AnswerFile]:
    kept = left.kept if left else (None,) * len(files)
    return [stack.enter_context(kind(path, rows)) for (kind, path), rows in zip(files, kept, strict=True)]


def _outcomes(
    classifier: Classifier, wanted: Wanted, todo: Sequence[Item], options: argparse.Namespace
) -> Iterator[Outcome]:
    if options.processes == 1 or len(todo) < 2:  # one image needs no second process, and may be on standard input
        return (answer(classifier, wanted, item) for item in todo)
    prepare = partial(in_a_process, options.model, wanted)
    point = classifier.config.operating_point(wanted.operating_point).name
    return in_processes(todo, min(options.processes, len(todo)), prepare, partial(_lost, classifier.identity, point))


def _lost(model: ModelIdentity, operating_point: str, item: Item) -> Outcome:
    sentence = "The process that read this image ended twice: it may need more memory than there is."
    return not_answered(item.path, "failed", sentence, "", model, operating_point)


def _write(
    outcomes: Iterator[Outcome], files: Sequence[AnswerFile], found: Found, todo: int, as_json: bool
) -> Counter[str]:
    """Print and write each outcome and return how many there were of each kind."""
    kinds: Counter[str] = Counter()
    total = len(found.items)
    # tqdm shows its bar on a terminal only (disable=None); one image needs none.
    quiet = None if total > 1 else True
    for outcome in tqdm(outcomes, total=total, initial=total - todo, unit="image", disable=quiet):
        kinds[outcome.kind] += 1
        if outcome.kind == "answered":
            tqdm.write(outcome.line if as_json else outcome.text, file=sys.stdout)
        else:
            tqdm.write(outcome.text, file=sys.stderr)
        for file in files:
            file.write(outcome)
    return kinds
