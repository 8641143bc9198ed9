"""Looks at a data set before anything is trained on it: python -m training.explore pcam [--data FOLDER] [--sample N]

Writes one page, ``runs/explore/<name>.html``, that opens from disk without a network. What it hunts is shortcuts:
numbers of a file, such as its shape or its compression, that tell the label though they say nothing of the body;
pictures that are in two splits; patients that are in two splits.
"""

import argparse
from pathlib import Path
from typing import get_args

from training.data.data_sets import CHEST_XRAY_PNEUMONIA, PATCH_CAMELYON
from training.data.splits import Split
from training.measure.shortcuts import SAMPLE, find_duplicates, find_patients, look_at
from training.reports import audit_page

DATA_SETS = {"pcam": PATCH_CAMELYON, "chest-xray": CHEST_XRAY_PNEUMONIA}
NAMES_TELL_PATIENTS = {"chest-xray"}


def explore(name: str, runs: Path, data: str | None = None, sample: int = SAMPLE) -> Path:
    """Return the file of the report on a data set, ``runs/explore/<name>.html``.

    Args:
        name: one of ``DATA_SETS``.
        runs: the folder for what is not kept.
        data: a local folder in the data set's schema (default: the Hub).
        sample: how many pictures of each split are decoded at most.
    """
    source = DATA_SETS[name]
    looks = [look_at(source, split, data, sample) for split in get_args(Split)]
    patients = find_patients(looks) if name in NAMES_TELL_PATIENTS else None
    page = audit_page.page(name, source, looks, find_duplicates(looks), patients)
    file = runs / "explore" / f"{name}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")
    return file


def main() -> None:
    """Explore the data set named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", choices=sorted(DATA_SETS))
    parser.add_argument("--data", help="local folder in the data set's schema (default: the Hub)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the report goes (default: runs)")
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"pictures decoded per split (default: {SAMPLE})")
    arguments = parser.parse_args()
    if arguments.sample < 1:
        parser.error("--sample must be 1 or more")
    print(explore(arguments.dataset, arguments.runs, arguments.data, arguments.sample))


if __name__ == "__main__":
    main()
