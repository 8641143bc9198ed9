"""The ``overread push`` command.

overread push --namespace OWNER [MODEL ...] [--private] [--pin] [--evaluation] [--collection]
"""

import argparse
from pathlib import Path

from overread.catalogue import CATALOGUE_FILE, MODELS_FOLDER, pin_commits, published
from overread.deploy.checkout import ROOT
from overread.deploy.evaluation_data import push_collection, push_evaluation
from overread.deploy.hub_errors import logged_in_api
from overread.deploy.models import check_folder, name_models, push
from overread.errors import UnknownModelError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("names", nargs="*", metavar="MODEL", help="default: everything in the catalogue")
    parser.add_argument("--namespace", required=True, metavar="OWNER", help="the Hub user or organisation")
    parser.add_argument("--private", action="store_true", help="make the repositories private")
    parser.add_argument(
        "--pin", action="store_true", help="write the commits into the catalogue and `models:` into the Space's README"
    )
    parser.add_argument(
        "--evaluation", action="store_true", help="also a data set: each model's predictions and figures, with a card"
    )
    parser.add_argument("--collection", action="store_true", help="also a collection of what was pushed")
    parser.add_argument("--models", type=Path, default=MODELS_FOLDER, help="model folders (default: this checkout's)")
    parser.add_argument(
        "--readme",
        type=Path,
        default=ROOT / "README.md",
        help="of the Space, for --pin (default: this checkout's)",
    )


def run(options: argparse.Namespace) -> int:
    """Push, print where each repository is, return 0; nothing is uploaded unless all models are finished.

    Raises:
        OverreadError: one sentence that says what is missing or why the Hub refused.
    """
    catalogue_file = options.models / CATALOGUE_FILE.name
    known = published(catalogue_file)
    for name in options.names:
        if name not in known:
            raise UnknownModelError(f"There is no model {name!r}: choose one of {', '.join(known)}.")
    api = logged_in_api()
    names = options.names or list(known)
    for name in names:
        check_folder(known[name], options.models / name)
    commits = {}
    for name in names:
        pushed = push(name, options.namespace, api, options.models, options.private)
        print(f"{pushed.url} at {pushed.commit}", flush=True)
        commits[name] = pushed.commit
    if options.evaluation:
        print(push_evaluation(names, options.namespace, api, options.models, options.private))
    if options.collection:
        print(push_collection(names, options.namespace, api, options.private, with_evaluation=options.evaluation))
    if options.pin:
        pin_commits(options.namespace, commits, file=catalogue_file)
        name_models(options.readme, options.namespace, names)
        print(
            f"{catalogue_file.name} pins {options.namespace} at these commits; {options.readme.name} names the models"
        )
    return 0
