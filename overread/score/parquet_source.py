"""Images in Parquet files, in the layout of the Hub's data sets: on disk, or read from the Hub in ranges."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from overread.score.source import Row, SourceError

HUB = "hf://"


@dataclass(frozen=True)
class Columns:
    """Which columns of a data set are read.

    Attributes:
        image: the images: bytes, or a struct of bytes and path.
        kept: goes into the answers as it is.
    """

    image: str
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class TablePart:
    """Some rows of one row group of a Parquet file."""

    number: int
    first: int
    count: int
    file: str
    row_group: int
    start: int  # in the row group
    first_in_file: int
    columns: Columns

    def rows(self) -> Iterator[Row]:
        """Yield the rows; the image's path is the file's, with the row's number in the file after it."""
        image, kept = self.columns.image, self.columns.kept
        table = opened(self.file).read_row_group(self.row_group, columns=[image, *kept])
        table = table.slice(self.start, self.count)
        for offset in range(self.count):
            value = table[image][offset].as_py()
            data = value["bytes"] if isinstance(value, dict) else value
            values = tuple(table[name][offset].as_py() for name in kept)
            yield Row(Path(f"{self.file.removeprefix(HUB)}#{self.first_in_file + offset}"), data, kept=values)


def parts_of_tables(
    files: Sequence[str], rows: int, image: str | None, kept: Sequence[str]
) -> tuple[list[TablePart], list[pa.Field]]:
    """Return the parts of Parquet files, of up to ``rows`` rows each, and the fields of the columns that are kept.

    Args:
        files: paths, or ``hf://datasets/OWNER/NAME@REVISION/FILE``.
        rows: of a part.
        image: the column with the images; default: the first that looks like one.
        kept: columns that go into the answers.

    Raises:
        SourceError: a file cannot be read, has not these columns, or no images.
    """
    parts: list[TablePart] = []
    first = 0
    fields: list[pa.Field] = []
    for file in files:
        found = opened(file)
        schema = found.schema_arrow
        fields = _fields(file, schema, kept)
        columns = Columns(image or _image_column(file, schema), tuple(kept))
        _fields(file, schema, [columns.image])
        in_file = 0
        for group in range(found.num_row_groups):
            size = found.metadata.row_group(group).num_rows
            for start in range(0, size, rows):
                count = min(rows, size - start)
                parts.append(TablePart(len(parts), first, count, file, group, start, in_file + start, columns))
                first += count
            in_file += size
    return parts, fields


@lru_cache(maxsize=2)
def opened(file: str) -> pq.ParquetFile:
    """Return an open Parquet file; of one on the Hub only the parts that are asked for are downloaded.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        if not file.startswith(HUB):
            return pq.ParquetFile(file)
        from huggingface_hub import HfFileSystem

        return pq.ParquetFile(HfFileSystem().open(file.removeprefix(HUB), "rb"))
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"{file} cannot be read as Parquet: {error}") from error


def _fields(file: str, schema: pa.Schema, names: Sequence[str]) -> list[pa.Field]:
    if missing := set(names) - set(schema.names):
        raise SourceError(f"{file} has no column {sorted(missing)[0]!r}: it has {', '.join(schema.names)}.")
    return [schema.field(name) for name in names]


def _image_column(file: str, schema: pa.Schema) -> str:
    for field in schema:
        kind: Any = field.type
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            return field.name
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            return field.name
    raise SourceError(f"{file} has no column of images: name one with --image-column.")
