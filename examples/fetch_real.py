"""Fetches a few real example pictures from the Hugging Face Hub, with their licence and source.

    python -m examples.fetch_real [--count 4] [--out examples/real]

`count` pictures, balanced over the labels, come from the test split of each of the data sets below, byte for byte as
they are stored there. Beside them lie SOURCES.json (data set, revision, row, label, licence, citation) and
captions.json (the entries that the app shows). Needs `datasets`, which belongs to the training side, not to the Space.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

SPLIT = "test"
SUFFIXES = {"PNG": ".png", "JPEG": ".jpg"}


class FetchError(Exception):
    """The pictures could not be fetched; the message is one sentence for the person who asked for them."""


@dataclass(frozen=True)
class HubDataset:
    """A data set on the Hub with columns `image` and `label`; `labels` names the label's values 0, 1, ..."""

    repo_id: str
    domain: str
    labels: tuple[str, ...]
    licence: str
    citation: str


HUB_DATASETS = (
    HubDataset(
        "1aurent/PatchCamelyon",
        "histopathology",
        ("no tumour in the centre", "tumour in the centre"),
        "CC0 1.0",
        "Veeling et al., Rotation Equivariant CNNs for Digital Pathology, MICCAI 2018; "
        "Ehteshami Bejnordi et al., JAMA 2017, 318(22):2199-2210",
    ),
    HubDataset(
        "hf-vision/chest-xray-pneumonia",
        "chest-xray",
        ("NORMAL", "PNEUMONIA"),
        "CC BY 4.0",
        "Kermany et al., Cell 2018, 172(5):1122-1131, data: doi.org/10.17632/rscbjbr9sj.2",
    ),
)


@dataclass(frozen=True)
class Source:
    """Where one fetched picture comes from, as it stands in SOURCES.json; `index` is the row in the split."""

    file: str
    dataset: str
    revision: str
    split: str
    index: int
    label: str
    licence: str
    citation: str


def fetch(wanted: HubDataset, count: int) -> list[tuple[Source, bytes]]:
    """Return `count` pictures and their sources, the first of each label in the test split at its present revision.

    Raises FetchError if `datasets` is not installed, the Hub or the data set is out of reach, or labels run short.
    """
    try:
        from datasets import Image as ImageColumn
        from datasets import load_dataset
        from datasets.exceptions import DatasetsError
        from datasets.utils.logging import set_verbosity
        from httpx2 import (
            HTTPError,  # what huggingface_hub lets through when nobody answers
        )
        from huggingface_hub import HfApi
    except ImportError as error:
        raise FetchError(f"Fetching needs the package '{error.name}': pip install datasets.") from error
    set_verbosity(logging.CRITICAL)  # it logs an error before it raises it; the sentence below is enough
    try:
        revision = HfApi().dataset_info(wanted.repo_id).sha
        rows = load_dataset(wanted.repo_id, split=SPLIT, streaming=True, revision=revision)
        return pick(rows.cast_column("image", ImageColumn(decode=False)), wanted, str(revision), count)
    except (DatasetsError, HTTPError, OSError, ValueError, LookupError) as error:
        cause = f"{type(error).__name__}: {error}".splitlines()[0]
        raise FetchError(f"Could not read the {SPLIT} split of {wanted.repo_id} on the Hub ({cause}).") from error


def pick(rows: Iterable[dict[str, Any]], wanted: HubDataset, revision: str, count: int) -> list[tuple[Source, bytes]]:
    """Return the first rows of each label until `count` are found, as evenly over the labels as count allows."""
    kinds = len(wanted.labels)
    missing = [count // kinds + (label < count % kinds) for label in range(kinds)]
    picked: list[tuple[Source, bytes]] = []
    for index, row in enumerate(rows):
        if not any(missing):
            break
        label = int(row["label"])
        if not missing[label]:
            continue
        missing[label] -= 1
        data = row["image"]["bytes"]
        file = f"{wanted.domain}/{SPLIT}-{index:05d}{suffix(data)}"
        name = wanted.labels[label]
        source = Source(file, wanted.repo_id, revision, SPLIT, index, name, wanted.licence, wanted.citation)
        picked.append((source, data))
    if any(missing):
        raise FetchError(f"The {SPLIT} split of {wanted.repo_id} has too few rows for {count} balanced pictures.")
    return picked


def suffix(data: bytes) -> str:
    """Return the file suffix for stored picture bytes; raise FetchError for anything but PNG and JPEG."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return SUFFIXES[picture.format or ""]
    except (UnidentifiedImageError, KeyError) as error:
        raise FetchError("The Hub sent a picture that is neither PNG nor JPEG.") from error


def write(fetched: Sequence[tuple[Source, bytes]], out: Path) -> None:
    """Write the pictures below `out`, with SOURCES.json and captions.json, whose `file` is relative to `out`."""
    domains = {wanted.repo_id: wanted.domain for wanted in HUB_DATASETS}
    captions = []
    for source, data in fetched:
        path = out / source.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        caption = f"real, label {source.label}, {source.licence}"
        captions.append({"file": source.file, "domain": domains[source.dataset], "caption": caption})
    tables = {"SOURCES.json": [asdict(source) for source, _ in fetched], "captions.json": captions}
    for name, entries in tables.items():
        (out / name).write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch and write, all or nothing; return the exit code, 1 with one sentence on stderr if it did not work."""
    parser = argparse.ArgumentParser(prog="python -m examples.fetch_real", description="Fetch real example pictures.")
    parser.add_argument("--count", type=int, default=4, help="pictures from each data set (default 4)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "real", help="folder to write to")
    options = parser.parse_args(arguments)
    if options.count < 1:
        parser.error("--count must be at least 1")
    try:
        fetched = [picture for wanted in HUB_DATASETS for picture in fetch(wanted, options.count)]
    except FetchError as error:
        print(error, file=sys.stderr)
        return 1
    write(fetched, options.out)
    print(f"{len(fetched)} pictures in {options.out}; licences and sources in {options.out / 'SOURCES.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
