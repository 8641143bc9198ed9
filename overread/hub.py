"""Where a model folder comes from: the Hub at a pinned revision if one is configured, else the bundled folder."""

import logging
from dataclasses import dataclass
from pathlib import Path

from overread.catalogue import CatalogueEntry
from overread.errors import ModelFolderError
from overread.model_folder import sha256_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelSource:
    """A folder that is complete and holds what the catalogue promises.

    ``revision`` is the Hub's commit, or "bundled"; ``note`` says in one sentence why the Hub did not serve, if it was
    asked and did not.
    """

    folder: Path
    origin: str
    revision: str
    note: str | None = None


def locate(entry: CatalogueEntry, namespace: str | None) -> ModelSource:
    """Return the model's folder, from the Hub when a namespace is given and all goes well, else the bundled one.

    Raises:
        ModelFolderError: if the bundled folder has to serve and is incomplete or has been altered.
    """
    note = None
    if namespace:
        repository = f"{namespace}/{entry.name}"
        try:
            return _from_hub(entry, repository)
        except _NotServed as reason:
            note = f"{entry.name}: {reason}; the bundled model answers."
            log.warning(note)
    try:
        verify(entry, entry.bundled_folder)
    except ModelFolderError as error:
        raise ModelFolderError(f"The bundled model {entry.name} cannot serve: {error}.") from error
    return ModelSource(entry.bundled_folder, "bundled", "bundled", note)


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


class _NotServed(Exception):
    """Why the Hub did not serve, as the middle of a sentence."""


def _from_hub(entry: CatalogueEntry, repository: str) -> ModelSource:
    from huggingface_hub import snapshot_download  # here, not above: a bundled model needs none of it
    from huggingface_hub.errors import (
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        folder = Path(
            snapshot_download(
                repository, revision=entry.revision, allow_patterns=list(entry.sha256), etag_timeout=5, tqdm_class=None
            )
        )
        verify(entry, folder)
    except RepositoryNotFoundError as error:
        raise _NotServed(f"the Hub has no repository {repository} that can be read from here") from error
    except RevisionNotFoundError as error:
        raise _NotServed(f"{repository} has no revision {entry.revision}") from error
    except HFValidationError as error:
        raise _NotServed(f"{repository} is no valid name of a Hub repository") from error
    except LocalEntryNotFoundError as error:
        raise _NotServed("the Hub cannot be reached and nothing was downloaded before") from error
    except ModelFolderError as error:
        raise _NotServed(f"the download from {repository} was refused, since {error}") from error
    except (
        Exception
    ) as error:  # a file cut short, a timeout, a new client's own types: the app must come up all the same
        raise _NotServed(f"the download from {repository} failed ({type(error).__name__})") from error
    return ModelSource(folder, "hub", folder.name)
