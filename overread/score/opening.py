"""Finds out what a source is: a data set on the Hub, Parquet files, images, or slides."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from overread.errors import InputError
from overread.image_files import slides_in
from overread.score.hub_source import hub_files, of_split
from overread.score.parquet_source import parts_of_tables
from overread.score.source import Part, SourceError, parts_of_files
from overread.stack.items import Item, find_items

HUB_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")
PREFIX = "hf://datasets/"
LISTS = (".txt", ".lst")


@dataclass(frozen=True)
class Selection:
    """Which rows of a source are scored, and in what portions.

    Attributes:
        split: of a data set: only files of this split.
        image_column: of Parquet files; None for the first that holds images.
        kept: columns of Parquet files that go into the answers.
        part_rows: images in a part; a slide is a part of its own.
        slides: every file is a slide, whatever its name.
    """

    split: str | None = None
    image_column: str | None = None
    kept: tuple[str, ...] = ()
    part_rows: int = 512
    slides: bool = False


@dataclass(frozen=True)
class Opened:
    """A source, ready to be scored.

    Attributes:
        parts: see ``overread.score.source``.
        kept: fields of the columns that are kept.
        slides: whether each row is a slide.
        skipped: files that are left out, with the reason.
    """

    parts: Sequence[Part]
    kept: tuple[pa.Field, ...] = ()
    slides: bool = False
    skipped: tuple[tuple[Path, str], ...] = ()

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(part.count for part in self.parts)


def open_source(source: str, chosen: Selection) -> Opened:
    """Return what a source holds.

    Args:
        source: a file or folder of Parquet; a folder, a zip or a text file with a path on each line, of images or of
            slides; or a data set on the Hub, OWNER/NAME.
        chosen: which of its rows.

    Raises:
        InputError: it cannot be found or read, or holds nothing to score.
    """
    path = Path(source).absolute()  # the nodes of a cluster have other working directories
    if not path.exists():
        if source.startswith(PREFIX) or HUB_NAME.match(source):
            return _tables(hub_files(source.removeprefix(PREFIX), chosen.split), chosen)
        raise SourceError(f"There is no file or folder {source}.")
    tables = [path] if path.suffix == ".parquet" else sorted(path.rglob("*.parquet")) if path.is_dir() else []
    if tables:
        return _tables(of_split([str(table) for table in tables], chosen.split), chosen)
    if chosen.split or chosen.kept or chosen.image_column:
        raise SourceError(f"{source} is no data set of Parquet files: it has neither splits nor columns.")
    listed = _listed(path) if path.suffix in LISTS else [path]
    slides = [slide for entry in listed for slide in slides_in(entry)]
    if chosen.slides:
        return _of_slides([*slides, *(entry for entry in listed if entry not in slides and not entry.is_dir())])
    if slides and len(slides) == len(listed):
        return _of_slides(slides)
    try:
        found = find_items([entry for entry in listed if entry not in slides])
    except InputError:
        if slides and path.is_dir():
            return _of_slides(slides)
        raise
    if slides:
        raise SourceError(f"{source} holds {len(slides)} slides and other images: score them apart, with --slides.")
    return Opened(parts_of_files(found.items, chosen.part_rows), skipped=found.skipped)


def _of_slides(slides: Sequence[Path]) -> Opened:
    return Opened(parts_of_files(tuple(Item(slide) for slide in slides), 1), slides=True)


def _tables(files: Sequence[str], chosen: Selection) -> Opened:
    parts, kept = parts_of_tables(files, chosen.part_rows, chosen.image_column, chosen.kept)
    if not parts:
        raise SourceError(f"There are no rows in {', '.join(files[:3])}.")
    return Opened(parts, tuple(kept))


def _listed(path: Path) -> list[Path]:
    """Return the paths in a text file, relative ones below its folder; empty lines and ``# comments`` are skipped."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read as a list of files.") from error
    found = [path.parent / line for line in lines if line and not line.startswith("#")]
    if not found:
        raise SourceError(f"{path} names no file.")
    return list(dict.fromkeys(found))
