"""Files of rows that are complete up to the last answered image whenever they are read, and can be gone on with."""

import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, TextIO

from overread.errors import InputError
from overread.stack.outcome import CSV_COLUMNS, Outcome


@dataclass(frozen=True)
class Earlier:
    """What a row of an earlier run says: whose row it is, and why it may have to be written again.

    Attributes:
        text: the row as it stands in the file.
        image: the image's path.
        digest: SHA-256 of the image's file.
        question: SHA-256 of the model, and operating point.
        refused: no answer, because the guard refused.
        failed: no answer, for this or another reason.
    """

    text: str
    image: str
    digest: str
    question: tuple[str, str]
    refused: bool
    failed: bool


class AnswerFile(ABC):
    """A text file with a row for each image; a context manager that is open for writing."""

    kind: ClassVar[str]
    _file: TextIO

    def __init__(self, path: Path, kept: Iterable[Earlier] | None = None) -> None:
        """Start a new file, or go on with the rows that are kept of an earlier run.

        Raises:
            InputError: the file cannot be written.
        """
        try:
            if kept is None:
                self._file = _opened(path)
                self._file.write(self.header())
                self._file.flush()
            else:
                self._go_on(path, kept)
        except OSError as error:
            raise InputError(f"The {self.kind} file {path} cannot be written: {error.strerror}.") from error

    def _go_on(self, path: Path, kept: Iterable[Earlier]) -> None:
        whole = path.with_name(f".{path.name}.new")  # a run that is killed here leaves the earlier file as it was
        with _opened(whole) as file:
            file.write(self.header())
            file.writelines(row.text for row in kept)
        whole.replace(path)
        self._file = _opened(path, "a")

    def __enter__(self) -> "AnswerFile":
        """Return the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def write(self, outcome: Outcome) -> None:
        """Write a row; it is in the file when this returns."""
        self._file.write(self.row(outcome))
        self._file.flush()

    @staticmethod
    @abstractmethod
    def header() -> str:
        """Return the file's first line, or ""."""

    @staticmethod
    @abstractmethod
    def row(outcome: Outcome) -> str:
        """Return an outcome's row."""

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> list[Earlier]:
        """Return the rows of a file's text, without one that was cut off.

        Raises:
            ValueError: the text is not of this kind.
        """

    @classmethod
    def earlier(cls, path: Path) -> dict[str, Earlier]:
        """Return the rows of an earlier run by image; none if there is no file.

        Raises:
            InputError: the file cannot be read, or was not written by this command.
        """
        try:
            with path.open(newline="", encoding="utf-8") as file:
                rows = cls.parse(file.read())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise InputError(f"The {cls.kind} file {path} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} was not written by this command: name another file.") from error
        return {row.image: row for row in rows}


class CsvFile(AnswerFile):
    """Comma-separated values with a header."""

    kind = "CSV"

    @staticmethod
    def header() -> str:
        """Return the columns' names."""
        return _csv_line(CSV_COLUMNS)

    @staticmethod
    def row(outcome: Outcome) -> str:
        """Return the outcome's values."""
        return _csv_line([outcome.row[name] for name in CSV_COLUMNS])

    @classmethod
    def parse(cls, text: str) -> list[Earlier]:
        """Return the rows; see ``AnswerFile.parse``."""
        complete, _, _ = text.rpartition("\r\n")  # a path may hold a line break, but not one of these two characters
        rows = csv.DictReader(io.StringIO(complete, newline=""))
        if text and tuple(rows.fieldnames or ()) != CSV_COLUMNS:
            raise ValueError("other columns")
        return [_from_csv(row) for row in rows if None not in row.values()]


class JsonLinesFile(AnswerFile):
    """One JSON object per line."""

    kind = "JSON"

    @staticmethod
    def header() -> str:
        """Return nothing."""
        return ""

    @staticmethod
    def row(outcome: Outcome) -> str:
        """Return the outcome's document."""
        return f"{outcome.line}\n"

    @classmethod
    def parse(cls, text: str) -> list[Earlier]:
        """Return the rows; see ``AnswerFile.parse``."""
        complete, _, _ = text.rpartition("\n")
        return [_from_json(line) for line in complete.split("\n") if line]


def _opened(path: Path, mode: str = "w") -> TextIO:
    file = path.open(mode, newline="", encoding="utf-8")
    assert isinstance(file, TextIOWrapper)
    return file


def _csv_line(values: Sequence[object]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(values)
    return buffer.getvalue()


def _from_csv(row: Mapping[str, str]) -> Earlier:
    return Earlier(
        text=_csv_line([row[name] for name in CSV_COLUMNS]),
        image=row["file"],
        digest=row["image_sha256"],
        question=(row["model_sha256"], row["operating_point"]),
        refused=row["guard"] == "refused" and bool(row["error"]),
        failed=bool(row["error"]),
    )


def _from_json(line: str) -> Earlier:
    document: dict[str, Any] = json.loads(line)
    return Earlier(
        text=f"{line}\n",
        image=document["image"],
        digest=document["image_sha256"],
        question=(document["model"]["sha256"], document["operating_point"]["name"]),
        refused=document.get("kind") == "refused",
        failed="error" in document,
    )
