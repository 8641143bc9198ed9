import os
from functools import partial
from pathlib import Path

import pytest

from overread.errors import ModelFolderError
from overread.stack.processes import in_processes
from tests.support.dying_worker import broken, doubling


def test_every_item_gets_one_result_even_if_processes_die(tmp_path: Path) -> None:
    results = list(in_processes(range(8), 2, partial(doubling, tmp_path / "died"), lambda number: (-number, 0)))
    assert sorted(result for result, _ in results) == [-5, 0, 2, 4, 6, 8, 12, 14]
    others = {process for _, process in results} - {0}
    assert len(others) >= 2 and os.getpid() not in others


def test_items_are_taken_only_as_processes_become_free(tmp_path: Path) -> None:
    taken: list[int] = []

    def numbers() -> object:
        for number in (0, 1, 2, 4, 6, 7):
            taken.append(number)
            yield number

    results = in_processes(numbers(), 2, partial(doubling, tmp_path / "died"), lambda number: (-number, 0))
    next(results)
    assert len(taken) <= 3
    results.close()


def test_what_cannot_be_prepared_ends_the_work() -> None:
    with pytest.raises(ModelFolderError, match="The model is broken"):
        list(in_processes(range(3), 2, broken, lambda number: number))
