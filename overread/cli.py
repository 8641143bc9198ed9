"""The ``overread`` command.

overread predict IMAGE|FOLDER|ZIP|- ... --model NAME|DOMAIN [--csv FILE] [--json] [--overlay FOLDER/] [--processes N]
overread score DATA-SET|FOLDER|PARQUET|LIST --model NAME|DOMAIN --out FOLDER [--engine local|ray]
overread scan SLIDE --model NAME --out FOLDER
overread models
overread deploy space|web --to OWNER/NAME
overread push --namespace OWNER
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module, metadata

from overread.catalogue import catalogue
from overread.errors import InputError, OverreadError
from overread.exit_codes import EXIT_ALL_ANSWERED, EXIT_BAD_INPUT, EXIT_CODES, EXIT_OUR_FAULT
from overread.prediction import DISCLAIMER

ELSEWHERE = {  # command: the module in which it is, what it does
    "predict": ("stack.command", "answer for images"),
    "score": ("score.command", "answer for a data set, on this machine or on many (pip install overread[score])"),
    "scan": ("scan.command", "scan a field of view or a slide (pip install overread[scan])"),
    "deploy": ("deploy.command", "put the app or its browser twin on a Hugging Face Space"),
    "push": ("deploy.push_command", "upload model folders to the Hugging Face Hub"),
}


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
        domain = f"{model.domain}{' (default)' if is_default else ''}"
        print(f"{name:<{max(map(len, known))}}  {domain:<24}  {model.title}: {model.summary}".rstrip(" :"))
    return EXIT_ALL_ANSWERED
