"""The slides that visitors look at: each in a folder of its own under an id that nobody can guess, for an hour at most.

A slide is not kept in memory alone, since OpenSlide reads files; nothing of it is logged, and the page deletes it when
the visitor leaves it.
"""

import contextlib
import re
import secrets
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import anyio
import anyio.to_thread

from overread.errors import InputError
from overread.scan import Plan, ScanResult
from overread.scan.slide import Slide
from ui.received_images import BusyError

MAX_KEPT = 24  # slides at a time; few are large, and a decoded photograph of the largest size takes 200 MB
IDLE_SECONDS = 300  # after which a slide makes room for another visitor's
KEPT_SECONDS, SWEEP_SECONDS = 3600, 600  # as uploads
FULL = "Many slides are open at the moment: please try again in a few minutes."
GONE = "This slide is no longer here: drop it once more."
UNUSUAL, MAX_NAME = re.compile(r"[^\w .()+-]"), 100  # of a file name; other characters become _


class SlideGoneError(InputError):
    """The slide was deleted: an hour has passed, or the page was left."""


@dataclass(eq=False)
class KeptSlide:
    """One visitor's slide.

    Attributes:
        key: its id.
        folder: holds the file and, in ``results``, what the scan leaves.
        file: the slide as it was sent.
        slide: the same, open.
        plan: what a scan would do, once the scale is known.
        result: of the finished scan of this plan.
        used: when it was last asked for, ``time.monotonic()``.
    """

    key: str
    folder: Path
    file: Path
    slide: Slide | None = None
    plan: Plan | None = None
    result: ScanResult | None = None
    used: float = field(default_factory=monotonic)

    @property
    def results(self) -> Path:
        """Where the scan leaves its files: a name that no slide has, since theirs begin with no dot."""
        return self.folder / ".results"

    @property
    def opened(self) -> Slide:
        """The open slide.

        Raises:
            SlideGoneError: if the file was not opened.
        """
        if self.slide is None:
            raise SlideGoneError(GONE)
        return self.slide

    @property
    def planned(self) -> Plan:
        """The plan.

        Raises:
            SlideGoneError: if there is none.
        """
        if self.plan is None:
            raise SlideGoneError("Nothing is known of this slide's scale yet: give it first.")
        return self.plan


class SlideStore:
    """Keeps slides; safe to use from several threads."""

    def __init__(self) -> None:
        """Make the folder, which is deleted with this object."""
        self._root = tempfile.TemporaryDirectory(prefix="overread-slides-", ignore_cleanup_errors=True)
        self._kept: dict[str, KeptSlide] = {}
        self._lock = threading.Lock()

    def add(self, name: str) -> KeptSlide:
        """Return room for a file of that name.

        Raises:
            BusyError: if too many are kept and all are in use.
        """
        with self._lock:
            if len(self._kept) >= MAX_KEPT:
                oldest = min(self._kept.values(), key=lambda kept: kept.used)
                if monotonic() - oldest.used < IDLE_SECONDS:
                    raise BusyError(FULL)
                self._delete(oldest.key)
            key = secrets.token_urlsafe(24)
            folder = Path(self._root.name) / key
            folder.mkdir()
            safe = UNUSUAL.sub("_", name)[-MAX_NAME:].lstrip(".") or "slide"
            self._kept[key] = KeptSlide(key, folder, folder / safe)
            return self._kept[key]

    def get(self, key: str) -> KeptSlide:
        """Return the slide of that id.

        Raises:
            SlideGoneError: if there is none.
        """
        with self._lock:
            if key not in self._kept:
                raise SlideGoneError(GONE)
            self._kept[key].used = monotonic()
            return self._kept[key]

    def forget(self, key: str) -> None:
        """Delete a slide and all that was made of it."""
        with self._lock:
            self._delete(key)

    def sweep(self) -> None:
        """Delete what nobody has asked for in an hour."""
        with self._lock:
            for key in [key for key, kept in self._kept.items() if monotonic() - kept.used > KEPT_SECONDS]:
                self._delete(key)

    @contextlib.asynccontextmanager
    async def swept(self) -> AsyncIterator[None]:
        """Delete what is old from time to time, and everything at the end."""

        async def sweep_often() -> None:
            while True:
                await anyio.sleep(SWEEP_SECONDS)
                await anyio.to_thread.run_sync(self.sweep)

        async with anyio.create_task_group() as group:
            group.start_soon(sweep_often)
            yield
            group.cancel_scope.cancel()
        self._kept.clear()
        self._root.cleanup()

    def _delete(self, key: str) -> None:
        # Another thread may be reading it: the file is closed when the last one lets go of the slide.
        if kept := self._kept.pop(key, None):
            shutil.rmtree(kept.folder, ignore_errors=True)
