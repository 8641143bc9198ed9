"""Renders what was measured: python -m training report

Writes the card of every evaluated model folder, ``README.md``, the tables of models and of their limits between marks
in the repository's README, and the words of the tabs into the catalogue. Runs no model and changes no other file: the
same JSON and CSV files give the same text.
"""

import argparse
from pathlib import Path

from overread.catalogue import CATALOGUE_FILE, catalogue, domains, pin_words, published
from overread.reported_figures import EVALUATION_FILE
from training.recipes.nets import DOMAINS
from training.reports import limits_table
from training.reports.lung_card import write_lung_card
from training.reports.model_card import write_card
from training.reports.summary_table import summary_table, write_between_marks

ROOT = Path(__file__).parents[1]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "--readme", type=Path, default=ROOT / "README.md", help="gets the tables (default: the repository's)"
    )
    parser.add_argument(
        "--benchmark",
        type=Path,
        default=ROOT / "benchmarks" / "inference.json",
        help="the milliseconds in the table come from here (default: benchmarks/inference.json)",
    )


def run(options: argparse.Namespace) -> None:
    """Write all cards, the tables and the words of the tabs; print the files."""
    catalogue_file = options.models / CATALOGUE_FILE.name
    known = catalogue(catalogue_file)
    for name in domains(catalogue_file):
        pin_words(name, DOMAINS[name].text, file=catalogue_file)
    for entry in published(catalogue_file).values():
        folder = options.models / entry.name
        if (folder / EVALUATION_FILE).is_file():
            print(write_lung_card(folder) if entry.finds_lungs else write_card(folder))
    write_between_marks(options.readme, summary_table(list(known), options.models, options.benchmark))
    limits = limits_table.limits_table(known, options.models)
    write_between_marks(options.readme, limits, (limits_table.BEGIN, limits_table.END))
    print(options.readme)
