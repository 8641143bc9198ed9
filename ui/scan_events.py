"""A scan as a stream: how far it is, then what it found; whoever stops listening stops the scan."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

from overread.scan import Progress, ScanResult

Report: TypeAlias = Callable[[Progress], None]
Stopped: TypeAlias = Callable[[], bool]
Work: TypeAlias = Callable[[Report, Stopped], ScanResult]
Lane: TypeAlias = Callable[[Callable[[], ScanResult]], Awaitable[ScanResult]]


async def scan_events(work: Work, lane: Lane) -> AsyncGenerator[Progress | ScanResult, None]:
    """Yield progress as it is made and the result at the end.

    Args:
        work: scans; gets what to call with progress, and what says whether to stop.
        lane: runs a function in a thread when its turn comes.

    Raises:
        OverreadError: what ``work`` or ``lane`` raises.
    """
    loop, stop = asyncio.get_running_loop(), threading.Event()
    waiting: asyncio.Queue[Progress | None] = asyncio.Queue()

    def report(progress: Progress) -> None:
        loop.call_soon_threadsafe(waiting.put_nowait, progress)

    task = asyncio.ensure_future(lane(lambda: work(report, stop.is_set)))
    task.add_done_callback(lambda _: waiting.put_nowait(None))
    try:
        while (progress := await waiting.get()) is not None:
            yield progress
        yield task.result()
    finally:
        stop.set()
        task.cancel()  # it may still wait for its turn
