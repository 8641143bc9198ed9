"""What a model card tells its reader to run, run: with the real libraries against a Hub on loopback."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from overread.classifier import Classifier
from tests.support.hub_on_loopback import HubOnLoopback
from tests.support.stained_patch import stained_patch
from training.recipes.ensembles import ENSEMBLES
from training.recipes.nets import RECIPES, Recipe
from training.reports.snippets import OWN_NAMESPACE, snippets


def run(code: str, hub: HubOnLoopback, home: Path) -> str:
    """Return what the code prints, with ``picture.png`` at hand and the Hub on loopback in the real one's place."""
    (home / "picture.png").write_bytes(stained_patch(11, True))
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


def test_onnxruntime_gives_our_probability_and_the_map(
    pushed: HubOnLoopback, small_recipe: Recipe, trained_folder: Path, tmp_path: Path
) -> None:
    printed = run(snippets(small_recipe)["onnxruntime"], pushed, tmp_path)
    probability, *shape = ast.literal_eval(printed.strip().replace(" (", ",("))
    expected = Classifier(trained_folder, threads=1).predict(tmp_path / "picture.png")
    assert probability == pytest.approx(expected.probability, abs=1e-5)
    assert shape == [(1, *expected.heatmap.shape)]


def test_transformers_gives_our_probability(
    pushed: HubOnLoopback, small_recipe: Recipe, trained_folder: Path, tmp_path: Path
) -> None:
    # As on a machine where torch and torchvision fit each other.
    code = "import training\n" + snippets(small_recipe)["transformers"]
    answers = {row["label"]: row["score"] for row in ast.literal_eval(run(_with_path(code), pushed, tmp_path))}
    expected = Classifier(trained_folder, threads=1).predict(tmp_path / "picture.png")
    assert answers == pytest.approx(expected.probabilities, abs=1e-3)


def _with_path(code: str) -> str:
    return f"import sys; sys.path.insert(0, {str(Path(__file__).parents[3])!r})\n{code}"


@pytest.mark.parametrize("recipe", [*RECIPES.values(), *ENSEMBLES.values()], ids=lambda recipe: recipe.name)
def test_every_card_shows_code_that_parses_and_names_its_model(recipe: Recipe) -> None:
    for code in snippets(recipe).values():
        ast.parse(code)
        assert recipe.name in code
