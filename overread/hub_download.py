"""Downloads a model's files from the Hub in a process of its own, which can be ended after a time limit.

huggingface_hub's client has no overall limit: it repeats failed requests, waits as long as a server asks it to, and its
Xet transfers run in native code. Only another process can be ended in all of these cases.

``python -m overread.hub_download CACHE REPOSITORY REVISION FILE...`` is that process. It prints one JSON object:
``{"folder": ...}``, or ``{"reason": ..., "concerns_all": ...}``.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PACKAGE = Path(__file__).parent
SECONDS_VARIABLE = "OVERREAD_HUB_SECONDS"


class DownloadError(Exception):
    """Why the Hub does not serve a model, as the middle of a sentence.

    ``concerns_all`` is true if other models would fail in the same way, such as when the Hub is down.
    """

    def __init__(self, reason: str, concerns_all: bool = False) -> None:
        """Keep both."""
        super().__init__(reason)
        self.concerns_all = concerns_all


def cached(repository: str, revision: str, files: Sequence[str]) -> Path | None:
    """Return the snapshot folder in the local cache, or None; no request is made, and files may be missing in it."""
    try:
        from huggingface_hub import snapshot_download  # here, not above: a bundled model needs none of it

        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(files), local_files_only=True))
    except Exception:  # not cached, cached in part, an impossible name, no huggingface_hub: all mean the same here
        return None


def download(repository: str, revision: str, files: Sequence[str], seconds: float) -> Path:
    """Return the snapshot folder in the local cache, with the files downloaded that were not there.

    Args:
        repository: such as "someone/pcam-resnet18".
        revision: a commit, branch or tag.
        files: paths in the repository.
        seconds: after that long the download is ended.

    Raises:
        DownloadError: says why there is none.
    """
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE).expanduser().resolve()
    command = [sys.executable, "-m", "overread.hub_download", str(cache), repository, revision, *files]
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if on_terminal else subprocess.DEVNULL,  # progress bars
            cwd=PACKAGE.parent,  # -m looks for modules in the working directory first: never in that of the user
            timeout=seconds,
            text=True,
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        reason = f"the download from {repository} took longer than {seconds:g} s ({SECONDS_VARIABLE})"
        raise DownloadError(reason, concerns_all=True) from error
    except (OSError, ValueError) as error:  # it could not be started, or ended without an answer
        raise DownloadError(f"the download from {repository} failed ({type(error).__name__})") from error
    if "folder" not in answer:
        raise DownloadError(answer["reason"], answer["concerns_all"])
    return Path(answer["folder"])


def _download_here(cache: str, repository: str, revision: str, files: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        folder = snapshot_download(repository, revision=revision, allow_patterns=list(files), cache_dir=cache)
    except RepositoryNotFoundError as error:
        raise DownloadError(f"the Hub has no repository {repository} that can be read from here") from error
    except RevisionNotFoundError as error:
        raise DownloadError(f"{repository} has no revision {revision}") from error
    except HFValidationError as error:
        raise DownloadError(f"{repository} is no valid name of a Hub repository") from error
    except LocalEntryNotFoundError as error:
        reason = "the Hub cannot be reached and nothing was downloaded before"
        raise DownloadError(reason, concerns_all=True) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        reason = f"the download from {repository} failed (status {status})"
        raise DownloadError(reason, concerns_all=status == 429 or status >= 500) from error
    # A file cut short, a full disk, a new client's own types: the app must start in any case.
    except Exception as error:
        raise DownloadError(f"the download from {repository} failed ({type(error).__name__})") from error
    return Path(folder)


def main() -> None:
    """Download what the command line names and print one JSON object."""
    cache, repository, revision, *files = sys.argv[1:]
    try:
        print(json.dumps({"folder": str(_download_here(cache, repository, revision, files))}))
    except DownloadError as error:
        print(json.dumps({"reason": str(error), "concerns_all": error.concerns_all}))


if __name__ == "__main__":
    main()
