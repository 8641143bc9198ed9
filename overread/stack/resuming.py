"""Which images of a stack an earlier run has answered, by path and digest: a changed file is read again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.errors import InputError
from overread.stack.answer_files import AnswerFile, Earlier
from overread.stack.items import Item


@dataclass(frozen=True)
class Resumed:
    """What is left to do.

    Attributes:
        todo: the items without a row that counts.
        kept: for each file, the rows that stay in it.
        refused: how many of the kept rows of this stack are refusals.
        unreadable: how many are other errors.
    """

    todo: tuple[Item, ...]
    kept: tuple[tuple[Earlier, ...], ...]
    refused: int
    unreadable: int


def resume(
    items: Sequence[Item],
    files: Sequence[tuple[type[AnswerFile], Path]],
    question: tuple[str, str],
    answer_anyway: bool,
) -> Resumed:
    """Return what is left to do of a stack whose rows go to several files at once.

    Args:
        items: the stack.
        files: where rows of an earlier run are.
        question: SHA-256 of the model, and operating point.
        answer_anyway: refusals are answered now.

    Raises:
        InputError: a file cannot be read, or holds rows of another model or operating point.
    """
    rows = [kind.earlier(path) for kind, path in files]
    for (_, path), found in zip(files, rows, strict=True):
        if any(row.question != question for row in found.values()):
            raise InputError(f"{path} holds answers of another model or operating point: name another file.")
    done = {
        item.path
        for item in items
        if all(str(item.path) in found for found in rows) and _counts(item, _rows_of(item, rows), answer_anyway)
    }
    again = {str(item.path) for item in items if item.path not in done}
    kept = tuple(tuple(row for row in found.values() if row.image not in again) for found in rows)
    errors = [row for path in done if (row := rows[0][str(path)]).failed]
    refused = sum(row.refused for row in errors)
    todo = tuple(item for item in items if item.path not in done)
    return Resumed(todo, kept, refused, len(errors) - refused)


def _rows_of(item: Item, files: Iterable[Mapping[str, Earlier]]) -> list[Earlier]:
    return [found[str(item.path)] for found in files]


def _counts(item: Item, rows: Sequence[Earlier], answer_anyway: bool) -> bool:
    """Return whether the item's rows are those of its file as it is now."""
    if answer_anyway and any(row.refused for row in rows):
        return False
    digests = {row.digest for row in rows}
    return "" not in digests and digests == {item.sha256()}
