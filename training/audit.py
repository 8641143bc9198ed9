"""Audits a data set before anything is trained on it: python -m training audit chest-xray [--data FOLDER] [--sample N]

Writes one page, ``runs/audit/<name>.html``, that needs no network. It splits for shortcuts: properties of a file, such
as its shape or its compression, that predict the label without showing the body; images in two splits; patients in two
splits.
"""

import argparse
from pathlib import Path
from typing import get_args

from training.data.splits import Split
from training.measure.file_statistics import SAMPLE, split_statistics
from training.measure.split_overlap import find_duplicates, find_patients
from training.recipes.nets import DOMAINS
from training.reports import audit_page

DATA_SETS = {name: domain.source for name, domain in DOMAINS.items()}
NAMES_TELL_PATIENTS = {"chest-xray"}


def audit(name: str, runs: Path, data: str | None = None, sample: int = SAMPLE) -> Path:
    """Return the page about a data set, ``<runs>/audit/<name>.html``.

    Args:
        name: one of ``DATA_SETS``.
        runs: folder of everything that is not committed.
        data: a local folder in the data set's schema (default: the Hub).
        sample: the number of images decoded per split, at most.
    """
    source = DATA_SETS[name]
    splits = [split_statistics(source, split, data, sample) for split in get_args(Split)]
    patients = find_patients(splits) if name in NAMES_TELL_PATIENTS else None
    page = audit_page.page(name, source, splits, find_duplicates(splits), patients)
    file = runs / "audit" / f"{name}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")
    return file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("data_set", choices=sorted(DATA_SETS))
    parser.add_argument(
        "--sample", type=_positive, default=SAMPLE, help=f"images decoded per split (default: {SAMPLE})"
    )


def run(options: argparse.Namespace) -> None:
    """Write the page and print its path."""
    print(audit(options.data_set, options.runs, options.data, options.sample))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
