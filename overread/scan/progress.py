"""How far a scan is, how long it will take, and how it is stopped."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from overread.scan.errors import ScanCancelledError


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` patches, ``seconds`` so far; ``remaining`` seconds, None before the first are done."""

    done: int
    total: int
    seconds: float
    remaining: float | None


class Reporter:
    """Calls back after each tile; measures the pace from what this run has done itself, not from a checkpoint."""

    def __init__(
        self,
        total: int,
        done: int = 0,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Start the clock; ``done`` patches were answered before."""
        self._total, self._done, self._before = total, done, done
        self._progress, self._cancelled = progress, cancelled
        self._started = perf_counter()

    def stop_if_cancelled(self) -> None:
        """Raise ``ScanCancelledError`` if the caller wants no more."""
        if self._cancelled and self._cancelled():
            raise ScanCancelledError(f"The scan was stopped after {self._done} of {self._total} patches.")

    def advance(self, patches: int) -> None:
        """Count answered patches and report."""
        self._done += patches
        if self._progress:
            seconds, here = perf_counter() - self._started, self._done - self._before
            remaining = (self._total - self._done) * seconds / here if here else None
            self._progress(Progress(self._done, self._total, seconds, remaining))
