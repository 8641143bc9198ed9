"""Publishes finished model folders on the Hub: python -m training.push --namespace NAME [MODEL ...] [--private] [--pin]

Each goes whole to the model repository ``NAME/<model>``, which is made if there is none. All are checked before the
first is uploaded. ``--pin`` writes the namespace and the commits into ``models/catalogue.json``: the app then serves
exactly these. Needs a token with write access: ``hf auth login``, or ``HF_TOKEN``.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from httpx2 import HTTPError  # what huggingface_hub lets through when nobody answers
from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from overread.catalogue import CATALOGUE_FILE, MODELS_FOLDER, CatalogueEntry, catalogue
from overread.errors import ModelFolderError, OverreadError, UnknownModelError
from overread.evaluation import EVALUATION_FILE
from overread.hub import verify
from overread.model_folder import CONFIG_FILE, ONNX_FILE

CARD_FILE = "README.md"
TRANSFORMERS_FILES = ("model.safetensors", "preprocessor_config.json")  # beside config.json, which the catalogue pins
HOW_TO_LOG_IN = (
    "log in with `hf auth login`, or set HF_TOKEN to a token with write access (https://huggingface.co/settings/tokens)"
)


class PushError(OverreadError):
    """The Hub did not take a folder."""


@dataclass(frozen=True)
class Pushed:
    """Where a folder is now: the repository's address and the commit (40 hexadecimal digits) that holds the folder."""

    url: str
    commit: str


def check_folder(entry: CatalogueEntry, folder: Path) -> None:
    """Check that a model folder is finished: complete, as the catalogue pins it, and evaluated as it is.

    An ensemble's folder has no ONNX file, hence nothing that transformers loads; its config.json is what is evaluated.

    Raises:
        ModelFolderError: names the first file that is missing or is another one.
    """
    served = CONFIG_FILE if entry.members else ONNX_FILE
    made_by = dict.fromkeys((CARD_FILE, EVALUATION_FILE), "training.evaluate")
    if not entry.members:
        made_by |= dict.fromkeys(TRANSFORMERS_FILES, "training.export or training.restore")
    for file, command in made_by.items():
        if not (folder / file).is_file():
            raise ModelFolderError(f"{entry.name} is not finished: {file}, which {command} writes, is missing.")
    try:
        verify(entry, folder)
    except ModelFolderError as error:
        raise ModelFolderError(f"{entry.name} is not what would be served: {error}.") from error
    evaluation = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    if evaluation["sha256"] != entry.sha256[served]:
        raise ModelFolderError(
            f"{entry.name} is not finished: {EVALUATION_FILE} speaks of another {served}; run "
            f"`python -m training.evaluate {entry.name}` again."
        )


def push(name: str, namespace: str, api: HfApi, weights: Path = MODELS_FOLDER, private: bool = False) -> Pushed:
    """Return where on the Hub the model folder ``<weights>/<name>`` is, having uploaded what is not there yet.

    Files that are only in the repository stay there.

    Args:
        name: the model's, and the repository's below the namespace.
        namespace: a user or an organisation.
        api: the client, with a token that may write there.
        weights: where the model folder lies.
        private: make the repository private; else it is what the namespace's default is.

    Raises:
        PushError: the Hub refused or was out of reach.
    """
    repository = f"{namespace}/{name}"
    with _one_sentence(repository):
        url = api.create_repo(repository, private=private or None, exist_ok=True)
        if private and not api.model_info(repository).private:
            raise PushError(f"{repository} is public already: make it private on the Hub, or push without --private.")
        commit = api.upload_folder(repo_id=repository, folder_path=weights / name, commit_message=f"Push {name}")
    return Pushed(str(url), commit.oid)


@contextmanager
def _one_sentence(repository: str) -> Iterator[None]:
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status == 401:
            raise PushError(f"The Hub does not accept the token: {HOW_TO_LOG_IN}.") from error
        if status == 403:
            raise PushError(f"The token has no right to write {repository}: {HOW_TO_LOG_IN}.") from error
        said = " ".join((error.server_message or "no reason given").split()).rstrip(".")
        raise PushError(f"The Hub refused {repository} with status {status}: {said}.") from error
    except HFValidationError as error:
        raise PushError(f"{repository} is no valid name of a Hub repository.") from error
    except (HTTPError, OSError, RuntimeError, json.JSONDecodeError) as error:  # RuntimeError: hf_xet's, which uploads
        raise PushError(
            f"The Hub cannot be reached, or broke off while {repository} was uploaded ({type(error).__name__}): "
            "check the connection and push again, which goes on where it stopped."
        ) from error
    except ValueError as error:  # the client's, when the Hub finds fault with the card's metadata
        raise PushError(f"The Hub refused {repository}: {' '.join(str(error).split())}") from error


def pin(commits: Mapping[str, str], namespace: str, catalogue_file: Path = CATALOGUE_FILE) -> None:
    """Write the namespace, and by model the commit to serve, into the catalogue.

    There is one namespace for all models: one that is not pushed there is answered for by its bundled folder.
    """
    content = json.loads(catalogue_file.read_text(encoding="utf-8"))
    content["namespace"] = namespace
    for name, commit in commits.items():
        content["models"][name]["revision"] = commit
    catalogue_file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def main(
    arguments: Sequence[str] | None = None, weights: Path = MODELS_FOLDER, catalogue_file: Path = CATALOGUE_FILE
) -> int:
    """Push the models named on the command line; return 0, or 1 after one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m training.push", description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: every model of the catalogue")
    parser.add_argument("--namespace", required=True, help="the Hub user or organisation")
    parser.add_argument("--private", action="store_true", help="make the repositories private")
    parser.add_argument("--pin", action="store_true", help="write the commits into the catalogue, for the app")
    options = parser.parse_args(arguments)
    known = catalogue(catalogue_file)
    commits = {}
    try:
        for name in options.models:
            if name not in known:
                raise UnknownModelError(f"There is no model {name!r}: choose one of {', '.join(known)}.")
        if get_token() is None:
            raise PushError(f"There is no token for the Hub: {HOW_TO_LOG_IN}.")
        names = options.models or list(known)
        for name in names:
            check_folder(known[name], weights / name)
        for name in names:
            pushed = push(name, options.namespace, HfApi(), weights, options.private)
            print(f"{pushed.url} at {pushed.commit}", flush=True)
            commits[name] = pushed.commit
    except OverreadError as error:
        print(error, file=sys.stderr)
        return 1
    if options.pin:
        pin(commits, options.namespace, catalogue_file)
        print(f"{catalogue_file.name} pins {options.namespace} at these commits")
    return 0


if __name__ == "__main__":
    sys.exit(main())
