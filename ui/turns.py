"""Who computes next: a few requests at a time, a limited number of waiting ones, and a polite refusal for the rest."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from ui.received_images import BusyError

R = TypeVar("R")

CONCURRENT = 2  # each runs a session with its own threads; more would only wait for the same cores
MAX_WAITING = 64
BUSY = "Many people are asking at the moment and the queue is full: please try again in half a minute."


class Turns:
    """A queue for work in threads."""

    def __init__(self, concurrent: int = CONCURRENT, waiting: int = MAX_WAITING) -> None:
        """Set how many compute at the same time and how many may wait for them."""
        self._limit = anyio.CapacityLimiter(concurrent)
        self._most_waiting = waiting

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return self._limit.statistics().tasks_waiting

    async def run(self, work: Callable[[], R]) -> R:
        """Return what ``work`` returns, from a thread, when its turn comes.

        Raises:
            BusyError: if too many are waiting; nothing was computed then.
        """
        if self.waiting >= self._most_waiting:
            raise BusyError(BUSY)
        return await anyio.to_thread.run_sync(work, limiter=self._limit)
