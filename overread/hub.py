"""Finds a model's folder: on the Hub at the pinned revision if a namespace is configured, else the bundled one."""

import logging
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from overread.catalogue import NAMESPACE_VARIABLE, CatalogueEntry
from overread.errors import ModelFolderError
from overread.hub_download import SECONDS_VARIABLE, DownloadError, cached, download
from overread.model_folder import sha256_of

log = logging.getLogger(__name__)

PROBE_SECONDS = 3.0
SECONDS_WITH_BUNDLED = 30.0  # for one model's download: a bundled folder can serve instead
SECONDS_WITHOUT_BUNDLED = 600.0
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class ModelSource:
    """A model folder and where it comes from.

    Attributes:
        folder: holds the files.
        name: the model's name in predictions.
        origin: "hub", "bundled" or "local".
        revision: the Hub's commit, "bundled" or "local".
        note: one sentence on why the Hub does not serve this model although it is configured, else None.
    """

    folder: Path
    name: str
    origin: str = "local"
    revision: str = "local"
    note: str | None = None


def verify(entry: CatalogueEntry, folder: Path) -> None:
    """Check that every file that inference needs is in the folder and hashes to what the catalogue says.

    Raises:
        ModelFolderError: names the first file that does not.
    """
    for file in entry.sha256:
        if not (folder / file).is_file():
            raise ModelFolderError(f"{file} is missing")
        if sha256_of(folder / file) != entry.sha256[file]:
            raise ModelFolderError(f"{file} is not the file the catalogue pins (its SHA-256 differs)")


def probe_hub(seconds: float = PROBE_SECONDS) -> str | None:
    """Return why the Hub cannot serve, as the middle of a sentence, or None if it answers.

    One HEAD request to the client's endpoint (``HF_ENDPOINT``). It runs in a thread of its own, because a server that
    sends one byte a second never exceeds the client's own time limit, which is per read.
    """
    outcome: list[str | None] = []
    thread = threading.Thread(target=lambda: outcome.append(_probe_once(seconds)), daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0] if outcome else f"the Hub did not answer within {seconds:g} s"


def _probe_once(seconds: float) -> str | None:
    try:
        # Imported here, since a bundled model needs none of it, and an AWS Lambda package has no huggingface_hub.
        from huggingface_hub import constants, get_session
    except ImportError:
        return "huggingface_hub is not installed"
    try:
        status = get_session().head(constants.ENDPOINT, timeout=seconds, follow_redirects=False).status_code
    except Exception:  # refused, no such host, a broken certificate, offline mode, a proxy's error
        return "the Hub cannot be reached"
    return f"the Hub answered with status {status}" if status == 429 or status >= 500 else None


def _seconds(entry: CatalogueEntry) -> float:
    """Return how long one model's download may take."""
    configured = os.environ.get(SECONDS_VARIABLE)
    if configured:
        try:
            return float(configured)
        except ValueError as error:
            raise ModelFolderError(f"{SECONDS_VARIABLE} must be a number of seconds, not {configured!r}.") from error
    return SECONDS_WITH_BUNDLED if entry.bundled_folder.is_dir() else SECONDS_WITHOUT_BUNDLED


def _verified(entry: CatalogueEntry, folder: Path | None) -> Path | None:
    """Return the folder if it holds the pinned files, else None."""
    if folder is None:
        return None
    try:
        verify(entry, folder)
    except ModelFolderError:
        return None
    return folder


class Hub:
    """The Hub as this process sees it: probed once; a failure that concerns all models is remembered."""

    def __init__(self, probe: Callable[[], str | None] = probe_hub) -> None:
        """Ask nothing yet.

        Args:
            probe: returns why the Hub cannot serve, or None if it can.
        """
        self._probe = probe
        self._probed = False
        self._failure: str | None = None
        self._lock = threading.Lock()

    def folder(self, entry: CatalogueEntry, repository: str) -> Path:
        """Return the model's snapshot folder, with every file as the catalogue pins it.

        A pinned commit that is in the local cache needs no network. A branch is read from the cache only when the Hub
        cannot be reached.

        Raises:
            DownloadError: says why there is none.
            ModelFolderError: a file is missing or is not the pinned one.
        """
        files = list(entry.sha256)
        if _COMMIT.fullmatch(entry.revision) and (found := _verified(entry, cached(repository, entry.revision, files))):
            return found
        if failure := self._unreachable():
            if found := _verified(entry, cached(repository, entry.revision, files)):
                return found
            raise DownloadError(failure)
        try:
            folder = download(repository, entry.revision, files, _seconds(entry))
        except DownloadError as error:
            if error.concerns_all:
                with self._lock:
                    self._failure = str(error)
                if found := _verified(entry, cached(repository, entry.revision, files)):
                    return found
            raise
        verify(entry, folder)
        return folder

    def _unreachable(self) -> str | None:
        with self._lock:
            if not self._probed:
                self._failure, self._probed = self._probe(), True
            return self._failure


_HUB = Hub()


def locate(entry: CatalogueEntry, namespace: str | None, hub: Hub = _HUB) -> ModelSource:
    """Return the model's folder, from the Hub when a namespace is given and the Hub serves it, else the bundled one.

    Raises:
        ModelFolderError: if the bundled folder has to serve and is missing, incomplete or altered.
    """
    reason = None
    if namespace:
        repository = f"{namespace}/{entry.name}"
        try:
            folder = hub.folder(entry, repository)
            return ModelSource(folder, entry.name, "hub", folder.name)
        except ModelFolderError as error:
            reason = f"the download from {repository} was refused, since {error}"
        except DownloadError as error:
            reason = str(error)
    if not entry.bundled_folder.is_dir():
        raise ModelFolderError(_nothing_to_serve(entry, namespace, reason))
    try:
        verify(entry, entry.bundled_folder)
    except ModelFolderError as error:
        raise ModelFolderError(f"The bundled model {entry.name} cannot serve: {error}.") from error
    note = f"{entry.name}: {reason}; the bundled model answers." if reason else None
    if note:
        log.warning(note)
    return ModelSource(entry.bundled_folder, entry.name, "bundled", "bundled", note)


def _nothing_to_serve(entry: CatalogueEntry, namespace: str | None, reason: str | None) -> str:
    if not namespace:
        return (
            f"The model {entry.name} is not on this machine: set {NAMESPACE_VARIABLE} to the Hugging Face user or "
            "organisation to load it from."
        )
    return (
        f"The model {entry.name} cannot be loaded: {reason}, and this installation bundles no copy; check the "
        f"connection, and that {NAMESPACE_VARIABLE} ({namespace!r}) names the Hugging Face user or organisation that "
        "publishes it."
    )
