"""The folder that a score run writes: what it answers, and one Parquet file for each part, whole or not there."""

import hashlib
import json
import os
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from overread.errors import InputError
from overread.score.source import Part

MANIFEST = "score.json"


class PartFiles:
    """The part files of one run in one folder; an interrupted run leaves whole parts, and the next goes on."""

    def __init__(self, folder: Path, parts: Sequence[Part], question: dict[str, Any]) -> None:
        """Open the folder, or go on with it.

        Args:
            folder: made if it does not exist.
            parts: of the source.
            question: what is asked about every row: model, digest, settings.

        Raises:
            InputError: the folder cannot be made, or holds the answers to another question.
        """
        self._folder = folder
        self._count = len(parts)
        manifest = {**question, "parts": len(parts), "rows": sum(part.count for part in parts), "of": _digest(parts)}
        file = folder / MANIFEST
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                if any(folder.glob("*.parquet")):
                    raise InputError(f"{folder} holds Parquet files of something else: name another folder.")
                _replace(file, json.dumps(manifest, indent=1).encode())
            elif json.loads(file.read_bytes()) != manifest:
                raise InputError(
                    f"{folder} holds answers about other data, of another model or other settings ({MANIFEST} says "
                    "which): name another folder."
                )
            for left in folder.glob(".*.tmp"):
                left.unlink()
        except OSError as error:
            raise InputError(f"The folder {folder} cannot be used: {error.strerror}.") from error

    def todo(self, parts: Sequence[Part]) -> list[Part]:
        """Return the parts that have no file yet."""
        return [part for part in parts if not part_file(self._folder, part.number, self._count).exists()]

    def kinds(self) -> Counter[str]:
        """Return how many rows of each kind the part files hold."""
        kinds: Counter[str] = Counter()
        for number in range(self._count):
            file = part_file(self._folder, number, self._count)
            if file.exists():
                kinds.update(pq.read_table(file, columns=["kind"])["kind"].to_pylist())
        return kinds


def part_file(folder: Path, number: int, count: int) -> Path:
    """Return a part's file, named as the Hub's data sets name theirs."""
    return folder / f"part-{number:05}-of-{count:05}.parquet"


def write_part(folder: Path, number: int, count: int, table: pa.Table) -> None:
    """Write a part whole, in place of one that another worker may have written meanwhile."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    _replace(part_file(folder, number, count), buffer.getvalue())


def _replace(file: Path, data: bytes) -> None:
    written = file.with_name(f".{file.name}.{uuid.uuid4().hex}.tmp")
    with written.open("wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    written.replace(file)


def _digest(parts: Sequence[Part]) -> str:
    """Identify the source: which rows are in which part."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr(part).encode())
    return digest.hexdigest()
