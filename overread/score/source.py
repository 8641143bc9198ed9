"""What a data set consists of: parts of some hundred images, each read, answered and written on its own.

Which rows are in which part depends on the source alone, so every engine makes the same files and can go on with those
of another.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from overread.errors import InputError
from overread.images import ImageSource
from overread.stack.items import Item


class SourceError(InputError):
    """The data set cannot be found or read, or is not of a kind that can be scored."""


@dataclass(frozen=True)
class Row:
    """One image of a data set, as ``overread.stack.answering`` takes it, with what else its row says.

    Attributes:
        path: names the image.
        data: the file's bytes; None where there is an item.
        item: a file, or a member of a zip.
        kept: values of the data set's own columns.
    """

    path: Path
    data: bytes | None = None
    item: Item | None = None
    kept: tuple[Any, ...] = ()

    @property
    def source(self) -> ImageSource:
        """What a classifier takes.

        Raises:
            InputError: there is nothing, or it cannot be read.
        """
        if self.item:
            return self.item.source
        if self.data is None:
            raise SourceError("The row holds no image: its bytes are not in the Parquet file.")
        return self.data

    def sha256(self) -> str:
        """Return the hexadecimal SHA-256 of the file's bytes; "" if they cannot be read."""
        if self.item:
            return self.item.sha256()
        return hashlib.sha256(self.data).hexdigest() if self.data else ""


class Part(Protocol):
    """Consecutive rows of a source; it can be pickled."""

    @property
    def number(self) -> int:
        """Counts from 0."""

    @property
    def first(self) -> int:
        """The index of its first row in the source."""

    @property
    def count(self) -> int:
        """How many rows it has."""

    def rows(self) -> Iterator[Row]:
        """Yield the rows, one image at a time in memory."""


@dataclass(frozen=True)
class FilesPart:
    """A part of a folder, of a zip or of a list of files."""

    number: int
    first: int
    items: tuple[Item, ...]

    @property
    def count(self) -> int:
        """How many files it has."""
        return len(self.items)

    def rows(self) -> Iterator[Row]:
        """Yield the files."""
        return (Row(item.path, item=item) for item in self.items)


def parts_of_files(items: tuple[Item, ...], rows: int) -> list[FilesPart]:
    """Return the parts of a list of files, of ``rows`` files each."""
    starts = range(0, len(items), rows)
    return [FilesPart(number, first, items[first : first + rows]) for number, first in enumerate(starts)]
