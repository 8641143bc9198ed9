"""Who computes next: quick answers a few at a time, slow work in a lane of its own, and a polite refusal for the rest.

Page, API and MCP share one ``Turns``, so that together they compute no more at once than the cores can.
"""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from ui.received_images import BusyError

R = TypeVar("R")

CONCURRENT = 2  # each runs a session with its own threads; more would only wait for the same cores
MAX_WAITING = 64
MAX_SLOW_WAITING = 8
BUSY = "Many people are asking at the moment and the queue is full: please try again in half a minute."
BUSY_SLOWLY = "Several long jobs are waiting already: please try again in a few minutes; single pictures are answered."


class Lane:
    """A queue for work in threads."""

    def __init__(self, concurrent: int, waiting: int, busy: str) -> None:
        """Set how many compute at the same time, how many may wait for them, and what the others are told."""
        self._limit = anyio.CapacityLimiter(concurrent)
        self._most_waiting = waiting
        self._busy = busy

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
            raise BusyError(self._busy)
        return await anyio.to_thread.run_sync(work, limiter=self._limit)


class Turns:
    """The two lanes: work in one never waits for work in the other."""

    def __init__(self, concurrent: int = CONCURRENT, waiting: int = MAX_WAITING) -> None:
        """Set how many quick answers are computed at the same time and how many may wait for them."""
        self._quick = Lane(concurrent, waiting, BUSY)
        self._slow = Lane(1, MAX_SLOW_WAITING, BUSY_SLOWLY)

    async def run(self, work: Callable[[], R]) -> R:
        """Return what ``work`` returns: one picture's answer, of a second at most.

        Raises:
            BusyError: if too many are waiting; nothing was computed then.
        """
        return await self._quick.run(work)

    async def slow(self, work: Callable[[], R]) -> R:
        """Return what ``work`` returns: a slide, a field of view or a stack of pictures; one at a time.

        Raises:
            BusyError: if too many are waiting; nothing was computed then.
        """
        return await self._slow.run(work)
