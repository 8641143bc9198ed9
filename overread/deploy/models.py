"""Pushes finished model folders to the Hub, each to the model repository ``NAMESPACE/<model>``.

NAMESPACE in a card becomes the real name.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from huggingface_hub import HfApi, metadata_load, metadata_save

from overread.catalogue import MODELS_FOLDER, CatalogueEntry
from overread.deploy.upload import Uploaded, upload
from overread.errors import ModelFolderError
from overread.hub import verify
from overread.model_folder import CONFIG_FILE, GUARD_FILE, ONNX_FILE
from overread.reported_figures import EVALUATION_FILE

OWN_NAMESPACE = "NAMESPACE"  # in a card, before it is pushed
CARD_FILE = "README.md"
TRANSFORMERS_FILES = ("model.safetensors", "preprocessor_config.json")  # beside config.json, which the catalogue pins


def check_folder(entry: CatalogueEntry, folder: Path) -> None:
    """Check that a model folder is complete, is what the catalogue pins, and was evaluated since its last change.

    An ensemble's folder has no ONNX file and no torch weights: its ``config.json`` is what was evaluated. No library
    loads a lung net's folder as it is.

    Raises:
        ModelFolderError: names the first file that is missing or is another one.
    """
    served = CONFIG_FILE if entry.members else ONNX_FILE
    evaluate = "evaluate-lungs" if entry.finds_lungs else f"evaluate {entry.name}"
    made_by = {CARD_FILE: "report", EVALUATION_FILE: evaluate}
    if not entry.members and not entry.finds_lungs:
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
            f"`python -m training {evaluate}` again."
        )


def push(name: str, namespace: str, api: HfApi, models: Path = MODELS_FOLDER, private: bool = False) -> Uploaded:
    """Return where on the Hub the model folder ``<models>/<name>`` is, having uploaded what is not there yet.

    The uploaded card names the namespace; the local one stays as it is. Files that are only in the repository stay.

    Args:
        name: the model's, and the repository's below the namespace.
        namespace: a user or an organisation.
        api: the client, with a token that may write there.
        models: the folder of model folders.
        private: see ``overread.deploy.upload.upload``.

    Raises:
        HubRefusedError: likewise.
    """
    with TemporaryDirectory() as made:
        folder = shutil.copytree(models / name, Path(made) / name)
        card = folder / CARD_FILE
        card.write_text(
            card.read_text(encoding="utf-8").replace(f"{OWN_NAMESPACE}/", f"{namespace}/"), encoding="utf-8"
        )
        return upload(api, f"{namespace}/{name}", folder, f"Push {name}", private=private)


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
