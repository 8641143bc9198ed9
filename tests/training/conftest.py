"""A net and a data set that take seconds, the whole way from data to a model folder."""

from pathlib import Path

import pytest
import transformers.utils.hub
from datasets import Dataset, Image
from huggingface_hub import close_session, constants

from tests.support.hub_on_loopback import HubOnLoopback
from tests.support.stained_patch import stained_patch
from tests.support.tiny_model import write_tiny_model
from tests.training.finished_models import finish
from tests.training.small_recipe import SMALL_RECIPE
from training.evaluate import evaluate
from training.export import export
from training.recipes.recipe import Recipe
from training.reports.model_card import write_card
from training.train import train


@pytest.fixture(scope="session")
def patches(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("patches")
    (folder / "data").mkdir()
    for number, (split, images) in enumerate({"train": 48, "valid": 40, "test": 30}.items()):
        labels = [bool(n % 2) for n in range(images)]
        rows = [{"bytes": stained_patch(1000 * number + n, label), "path": None} for n, label in enumerate(labels)]
        dataset = Dataset.from_dict({"image": rows, "label": labels}).cast_column("image", Image())
        dataset.to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    return str(folder)


@pytest.fixture(scope="session")
def small_recipe() -> Recipe:
    return SMALL_RECIPE


@pytest.fixture(scope="session")
def trained_folder(small_recipe: Recipe, patches: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained, exported, evaluated and with a card: the model folder."""
    work = tmp_path_factory.mktemp("work")
    train(small_recipe, work / "runs", patches)
    made = export(small_recipe, work / "runs", patches, work / "models")
    evaluate(small_recipe, patches, runs=work / "runs", models=work / "models", mosaics=4, perturbed=4)
    write_card(made)
    return made


@pytest.fixture
def client(hub: HubOnLoopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubOnLoopback:
    """The Hub that this process's client speaks to, with a token and an empty cache."""
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(transformers.utils.hub, "_hf_api", None)  # made once, with the address of that time
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    close_session()  # an older one has read the proxies already
    return hub


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with two finished models, tiny and other, and their catalogue.json."""
    for name in ("tiny", "other"):
        finish(write_tiny_model(tmp_path / "models" / name))
    return tmp_path / "models"
