"""Uploads finished model folders to the Hub: python -m training push --namespace NAME [MODEL ...] [--private] [--pin]

Each goes to the model repository ``NAME/<model>``, which is created where it is missing; NAMESPACE in the card becomes
the real name. All folders are checked before the first is uploaded. ``--pin`` writes the namespace and the commits into
``models/catalogue.json``, so that the app loads exactly these, and ``models:`` into the Space's README. Needs a token
with write access: ``hf auth login``, or ``HF_TOKEN``.
"""

import argparse
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from httpx2 import HTTPError  # what huggingface_hub lets through when nobody answers
from huggingface_hub import HfApi, get_token, metadata_load, metadata_save
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from overread.catalogue import CATALOGUE_FILE, MODELS_FOLDER, CatalogueEntry, catalogue, pin_commits
from overread.errors import ModelFolderError, OverreadError, UnknownModelError
from overread.hub import verify
from overread.model_folder import CONFIG_FILE, GUARD_FILE, ONNX_FILE
from overread.reported_figures import EVALUATION_FILE
from training.reports.snippets import OWN_NAMESPACE

README = Path(__file__).parents[1] / "README.md"
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
    """Check that a model folder is complete, is what the catalogue pins, and was evaluated since its last change.

    An ensemble's folder has no ONNX file and no torch weights: its ``config.json`` is what was evaluated.

    Raises:
        ModelFolderError: names the first file that is missing or is another one.
    """
    served = CONFIG_FILE if entry.members else ONNX_FILE
    made_by = {CARD_FILE: "report", EVALUATION_FILE: "evaluate"}
    if not entry.members:
        made_by |= dict.fromkeys(TRANSFORMERS_FILES, "export` or `python -m training restore-weights")
    for file, command in made_by.items():
        if not (folder / file).is_file():
            raise ModelFolderError(
                f"{entry.name} is not finished: {file}, which `python -m training {command}` writes, is missing."
            )
    try:
        verify(entry, folder)
    except ModelFolderError as error:
        raise ModelFolderError(f"{entry.name} is not what would be served: {error}.") from error
    if (folder / GUARD_FILE).is_file() and GUARD_FILE not in entry.sha256:
        raise ModelFolderError(
            f"{entry.name} would be served without its guard: the catalogue does not pin {GUARD_FILE}, which "
            "`python -m training fit-guard` writes and pins."
        )
    evaluation = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    if evaluation["sha256"] != entry.sha256[served]:
        raise ModelFolderError(
            f"{entry.name} is not finished: {EVALUATION_FILE} describes another {served}; run "
            f"`python -m training evaluate {entry.name}` again."
        )


def push(name: str, namespace: str, api: HfApi, models: Path = MODELS_FOLDER, private: bool = False) -> Pushed:
    """Return where on the Hub the model folder ``<models>/<name>`` is, having uploaded what is not there yet.

    The uploaded card names the namespace; the local one stays as it is. Files that are only in the repository stay.

    Args:
        name: the model's, and the repository's below the namespace.
        namespace: a user or an organisation.
        api: the client, with a token that may write there.
        models: the folder of model folders.
        private: make the repository private; else it has the namespace's default.

    Raises:
        PushError: the Hub refused or was out of reach.
    """
    repository = f"{namespace}/{name}"
    with _one_sentence(repository), TemporaryDirectory() as made:
        url = api.create_repo(repository, private=private or None, exist_ok=True)
        if private and not api.model_info(repository).private:
            raise PushError(f"{repository} is public already: make it private on the Hub, or push without --private.")
        folder = shutil.copytree(models / name, Path(made) / name)
        card = folder / CARD_FILE
        card.write_text(
            card.read_text(encoding="utf-8").replace(f"{OWN_NAMESPACE}/", f"{namespace}/"), encoding="utf-8"
        )
        commit = api.upload_folder(repo_id=repository, folder_path=folder, commit_message=f"Push {name}")
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("names", nargs="*", metavar="MODEL", help="default: every model of the catalogue")
    parser.add_argument("--namespace", required=True, help="the Hub user or organisation")
    parser.add_argument("--private", action="store_true", help="make the repositories private")
    parser.add_argument(
        "--pin", action="store_true", help="write the commits into the catalogue and `models:` into the Space's README"
    )
    parser.add_argument(
        "--readme",
        type=Path,
        default=README,
        help="the Space's README, for --pin (default: README.md of the repository)",
    )


def run(options: argparse.Namespace) -> None:
    """Push the models, print where each is; nothing is uploaded unless all are finished.

    Raises:
        OverreadError: one sentence that says what is missing or why the Hub refused.
    """
    catalogue_file = options.models / CATALOGUE_FILE.name
    known = catalogue(catalogue_file)
    for name in options.names:
        if name not in known:
            raise UnknownModelError(f"There is no model {name!r}: choose one of {', '.join(known)}.")
    if get_token() is None:
        raise PushError(f"There is no token for the Hub: {HOW_TO_LOG_IN}.")
    names = options.names or list(known)
    for name in names:
        check_folder(known[name], options.models / name)
    commits = {}
    for name in names:
        pushed = push(name, options.namespace, HfApi(), options.models, options.private)
        print(f"{pushed.url} at {pushed.commit}", flush=True)
        commits[name] = pushed.commit
    if options.pin:
        pin_commits(options.namespace, commits, file=catalogue_file)
        name_models(options.readme, options.namespace, names)
        print(
            f"{catalogue_file.name} pins {options.namespace} at these commits; {options.readme.name} names the models"
        )


def name_models(readme: Path, namespace: str, names: Sequence[str]) -> None:
    """Write ``models:`` into the front matter of a Space's README, so that the Hub links the Space and its models.

    Args:
        readme: the file; models of other namespaces that it names already stay.
        namespace: the Hub user or organisation.
        names: of the models.
    """
    metadata = metadata_load(readme) or {}
    pushed = [f"{namespace}/{name}" for name in names]
    others = [model for model in metadata.get("models", []) if model not in pushed]
    metadata_save(readme, metadata | {"models": [*others, *pushed]})
