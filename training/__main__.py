"""The commands of training, in the order one runs them: python -m training COMMAND --help

Several GPUs: ``accelerate launch -m training train NAME``.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from overread.catalogue import MODELS_FOLDER
from overread.errors import OverreadError
from training.methods.torchvision_operators import declare_missing_operators

COMMANDS = {
    "audit": "report what is in a data set, and which properties of its files predict the label",
    "train-lungs": "train the net that finds the lungs in a chest film",
    "export-lungs": "turn it into its model folder",
    "evaluate-lungs": "measure it: evaluation.json and the card in its folder",
    "train": "train a net",
    "export": "turn a trained net into its model folder",
    "build-ensemble": "make an ensemble's model folder of exported nets",
    "fit-guard": "fit the guards that tell which images a model knows",
    "evaluate": "measure a model: predictions.csv, evaluation.json and plots in its folder",
    "evaluate-guard": "measure what the guards refuse",
    "labels-curve": "measure accuracy against the number of labels, with 30 small trainings",
    "sweep-films": "compare settings of the chest nets' training, with 14 short ones",
    "report": "write model cards, and the README's table, from what was measured",
    "restore-weights": "rebuild model.safetensors from a model folder's ONNX file",
}


def locations() -> argparse.ArgumentParser:
    """Return the options that all commands share: where data, runs and models are."""
    parser = argparse.ArgumentParser(add_help=False)
    shared = parser.add_argument_group("locations")
    shared.add_argument("--data", metavar="FOLDER", help="a local folder in the data set's schema (default: the Hub)")
    shared.add_argument(
        "--runs", type=Path, default=Path("runs"), help="checkpoints, caches and audit pages (default: runs)"
    )
    shared.add_argument(
        "--models",
        type=Path,
        default=MODELS_FOLDER,
        help="the model folders and their catalogue.json (default: models/ of the repository)",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 after one sentence on stderr if it fails for a reason that has a name."""
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description=(__doc__ or "").split(":")[0] + ".",
        epilog="\n".join(f"{name:16} {what}" for name, what in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="its options: COMMAND --help")
    chosen = parser.parse_args(arguments or sys.argv[1:] or ["--help"])

    declare_missing_operators()  # before a command's imports: timm and transformers import torchvision
    command = import_module(f"training.{chosen.command.replace('-', '_')}")
    own = argparse.ArgumentParser(
        prog=f"python -m training {chosen.command}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[locations()],
    )
    command.add_arguments(own)
    try:
        command.run(own.parse_args(chosen.options))
    except OverreadError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
