"""The code of a model card, run with the real libraries against a Hub on loopback."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from overread.catalogue import CatalogueEntry, catalogue
from overread.classifier import Classifier
from tests.support.hub_on_loopback import HubOnLoopback
from tests.support.stained_patch import stained_patch
from training.recipes.recipe import Recipe
from training.reports.snippets import OWN_NAMESPACE, snippets


def run(code: str, hub: HubOnLoopback, home: Path) -> str:
    """Return what the code prints, with ``image.png`` at hand and the Hub on loopback in the real one's place."""
    (home / "image.png").write_bytes(stained_patch(11, True))
    done = subprocess.run(
        [sys.executable, "-c", code.replace(OWN_NAMESPACE, "someone")],
        env=hub.client_environment(home / "hub"),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def pushed(hub: HubOnLoopback, small_recipe: Recipe, trained_folder: Path) -> HubOnLoopback:
    files = {
        path.relative_to(trained_folder).as_posix(): path.read_bytes()
        for path in trained_folder.rglob("*")
        if path.is_file()
    }
    hub.put_repo(f"someone/{small_recipe.name}", files)
    return hub


@pytest.fixture
def code(small_recipe: Recipe) -> dict[str, str]:
    return snippets(small_recipe.name, small_recipe.source.domain, is_ensemble=False)


def with_torchvision(code: str) -> str:
    """Return code for a process in which torch and torchvision fit each other, as on its reader's machine."""
    return f"""
from training.methods.torchvision_operators import declare_missing_operators
declare_missing_operators()
{code}"""


def test_onnxruntime_gives_our_probability_and_the_map(
    pushed: HubOnLoopback, code: dict[str, str], trained_folder: Path, tmp_path: Path
) -> None:
    printed = run(code["onnxruntime"], pushed, tmp_path)
    probability, *shape = ast.literal_eval(printed.strip().replace(" (", ",("))
    expected = Classifier(trained_folder, threads=1).predict(tmp_path / "image.png")
    assert probability == pytest.approx(expected.probability, abs=1e-5)
    assert shape == [(1, *expected.heatmap.shape)]


def test_transformers_gives_our_probability(
    pushed: HubOnLoopback, code: dict[str, str], trained_folder: Path, tmp_path: Path
) -> None:
    printed = run(with_torchvision(code["transformers"]), pushed, tmp_path)
    answers = {row["label"]: row["score"] for row in ast.literal_eval(printed)}
    expected = Classifier(trained_folder, threads=1).predict(tmp_path / "image.png")
    assert answers == pytest.approx(expected.probabilities, abs=1e-3)


def test_timm_gives_our_probability(
    pushed: HubOnLoopback, code: dict[str, str], trained_folder: Path, tmp_path: Path
) -> None:
    probability = float(run(with_torchvision(code["timm"]), pushed, tmp_path))
    expected = Classifier(trained_folder, threads=1).predict(tmp_path / "image.png")
    assert probability == pytest.approx(expected.probability, abs=1e-3)


@pytest.mark.parametrize("entry", catalogue().values(), ids=lambda entry: entry.name)
def test_every_card_shows_code_that_parses_and_names_its_model(entry: CatalogueEntry) -> None:
    card = (entry.bundled_folder / "README.md").read_text(encoding="utf-8")
    for code in snippets(entry.name, entry.domain, is_ensemble=bool(entry.members)).values():
        ast.parse(code)
        assert entry.name in code and code in card
