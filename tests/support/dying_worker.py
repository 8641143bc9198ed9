"""Work for processes of tests: it answers numbers, and dies of some of them."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from overread.errors import ModelFolderError


def doubling(deaths: Path) -> Callable[[int], tuple[int, int]]:
    """Return a worker that gives twice a number and its process; it dies of 3 once and of 5 always."""

    def work(number: int) -> tuple[int, int]:
        if number == 5 or (number == 3 and not deaths.exists()):
            deaths.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * number, os.getpid()

    return work


def broken() -> Callable[[int], int]:
    """Raise what a model that cannot be loaded raises."""
    raise ModelFolderError("The model is broken.")
