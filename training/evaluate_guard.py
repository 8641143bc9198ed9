"""Measures the guards: python -m training evaluate-guard [--films FOLDER] [--patches FOLDER] --adults FOLDER ...

Judges the test splits, adults' films that radiologists read, changed films and patches, and images of other kinds with
the ``guard.npz`` of each domain and the net that finds lungs. Writes ``guard_evaluation.json`` into the folders of the
domain's models.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from datasets import Dataset, load_dataset

from overread.catalogue import CATALOGUE_FILE, Domain, catalogue, lung_net
from overread.errors import ModelFolderError
from overread.guard import Guard
from overread.guard_file import read_guard
from overread.hub import ModelSource
from overread.images import decode
from overread.lungs import LungNet
from training.data.corruption import corrupt
from training.data.data_sets import CHEST_XRAY_PNEUMONIA, PATCH_CAMELYON
from training.data.foreign_images import FILM_CHANGES, PATCH_CHANGES, Images, folder_sets, foreign_sets, slide_sets
from training.data.splits import load_split
from training.measure.guard_evaluation import GUARD_EVALUATION_FILE, measure_guard

GUARDED = ("histopathology", "chest-xray")  # the domains that `fit-guard` fits guards for
CHANGED = 200  # images of the test split that are mirrored, inverted, turned and so on
REFUSED_CHANGES = ("inverted", "inverted greys", "upside down", "flipped top to bottom", "on its", "without colour")

Sets = dict[str, Images]


def evaluate_guards(
    guards: dict[Domain, Guard], lung_nets: dict[Domain, LungNet], options: argparse.Namespace
) -> dict[Domain, dict[str, Any]]:
    """Return what ``guard_evaluation.json`` holds for each domain; the options are the command's."""
    films = _images(load_split(CHEST_XRAY_PNEUMONIA, "test", options.films))
    patches = _images(load_split(PATCH_CAMELYON, "test", options.patches))
    foreign = dict(foreign_sets())
    for folder in options.more:
        foreign |= dict(folder_sets(folder))
    slide = dict(slide_sets(options.slide)) if options.slide else {}

    adults = load_dataset(options.adults, split="train")
    views = list(adults["view"])
    own: Sets = {"damaged": [corrupt(film, row, seed=1) for row, film in enumerate(films)]}
    for view in sorted(set(views)):
        own[f"adults, {view}"] = _images(adults.select([row for row, of in enumerate(views) if of == view]))
    if options.full_size:
        own["full-size films"] = [decode(file).picture for file in sorted(options.full_size.rglob("*.jpeg"))]
    own_films, foreign_films = _changed(films, FILM_CHANGES)
    own_patches, foreign_patches = _changed(patches, PATCH_CHANGES)
    return {
        "chest-xray": measure_guard(
            guards["chest-xray"],
            films,
            own | own_films,
            {"patches": patches, **foreign, **slide, **foreign_films},
            lung_nets.get("chest-xray"),
        ),
        "histopathology": measure_guard(
            guards["histopathology"],
            patches,
            own_patches | slide,
            {"chest films": films, **foreign, **foreign_patches},
        ),
    }


def _images(dataset: Dataset) -> Images:
    return [image.convert("RGB") for image in dataset["image"]]


def _changed(images: Images, changes: dict[str, Any]) -> tuple[Sets, Sets]:
    """Return changed images that belong to the subject, and those that should be refused."""
    made = {name: [change(image) for image in images[:CHANGED]] for name, change in changes.items()}
    refused = {name: of for name, of in made.items() if name.startswith(REFUSED_CHANGES)}
    return {name: of for name, of in made.items() if name not in refused}, refused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("--films", metavar="FOLDER", help="a local folder of the children's films (default: the Hub)")
    parser.add_argument("--patches", metavar="FOLDER", help="a local folder of the patches (default: the Hub)")
    parser.add_argument(
        "--adults", metavar="FOLDER", required=True, help="a local folder of adults' films with a column view"
    )
    parser.add_argument("--full-size", metavar="FOLDER", type=Path, help="full-size films, in JPEG files")
    parser.add_argument("--slide", metavar="FILE", type=Path, help="a stained slide of another organ at 0.5 µm/px")
    parser.add_argument(
        "--more", metavar="FOLDER", type=Path, action="append", default=[], help="a folder of a folder for each kind"
    )


def run(options: argparse.Namespace) -> None:
    """Measure both guards and write the figures into the folders of their domains' models."""
    catalogue_file = options.models / CATALOGUE_FILE.name
    entries = [entry for entry in catalogue(catalogue_file).values() if entry.domain in GUARDED]
    guards: dict[Domain, Guard] = {}
    for entry in entries:
        guard = read_guard(options.models / entry.name)
        if not guard:
            raise ModelFolderError(f"{entry.name} has no guard: `python -m training fit-guard` writes it.")
        guards.setdefault(entry.domain, guard)
    found = {domain: lung_net(domain, catalogue_file) for domain in guards}
    nets = {domain: LungNet(ModelSource(options.models / net.name, net.name)) for domain, net in found.items() if net}
    measured = evaluate_guards(guards, nets, options)
    for entry in entries:
        text = json.dumps(measured[entry.domain], indent=1) + "\n"
        (options.models / entry.name / GUARD_EVALUATION_FILE).write_text(text, encoding="utf-8")
