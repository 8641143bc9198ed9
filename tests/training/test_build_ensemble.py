"""Ensembles of a net that takes seconds: fitted, evaluated, described, served."""

import argparse
import dataclasses
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image as PillowImage
from PIL import ImageOps

from overread.catalogue import catalogue, pin_files, resolve
from overread.classifier import Classifier
from overread.flips import AS_IT_IS
from overread.model_folder import digests_of
from tests.support.stained_patch import stained_patch
from training import build_ensemble as module
from training.build_ensemble import build_ensemble
from training.evaluate import evaluate
from training.measure.delong import DelongTest
from training.measure.ensemble_weights import Weighting
from training.recipes.nets import ENSEMBLES, RECIPES
from training.recipes.recipe import EnsembleRecipe, Recipe
from training.reports.model_card import comparisons_of, render_card


@pytest.fixture
def known_recipe(small_recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """The small recipe, under its name among all recipes, where an ensemble looks its members up."""
    monkeypatch.setitem(RECIPES, small_recipe.name, small_recipe)
    return small_recipe


@pytest.fixture
def models(trained_folder: Path, tmp_path: Path) -> Path:
    """A folder of model folders with the trained one."""
    shutil.copytree(trained_folder, tmp_path / "models" / trained_folder.name)
    return tmp_path / "models"


def test_an_ensemble_of_two_exports_is_calibrated_measured_and_described(
    models: Path, known_recipe: Recipe, patches: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trained = models / known_recipe.name
    shutil.copytree(trained, models / "twin")
    monkeypatch.setitem(RECIPES, "twin", dataclasses.replace(known_recipe, name="twin"))
    both = EnsembleRecipe(
        "both", "Both", "twice one net", known_recipe.source, (known_recipe.name, "twin"), (AS_IT_IS,)
    )
    made, gain = build_ensemble(both, patches, tmp_path, models)
    assert gain.difference == pytest.approx(0)  # one net, whatever calibration
    answer = Classifier(made, threads=1).predict(io.BytesIO(stained_patch(5, True)))
    alone = Classifier(trained, threads=1).predict(io.BytesIO(stained_patch(5, True)))
    settings = Classifier(made, threads=1).config.ensemble
    assert settings
    assert settings.weights["twin"] == pytest.approx(settings.weights[known_recipe.name])
    expected = sum(settings.weights.values()) * alone.log_odds + settings.intercept
    assert answer.log_odds == pytest.approx(expected, abs=1e-5)
    assert answer.heatmap.sum() + answer.heatmap_bias == pytest.approx(answer.log_odds, abs=1e-4)

    before = files_of(models, except_in="both")
    measured = evaluate(both, patches, runs=tmp_path, models=models, mosaics=4, perturbed=4)
    of_one = json.loads((trained / "evaluation.json").read_text())
    assert measured["splits"]["test"]["auc"] == pytest.approx(of_one["splits"]["test"]["auc"])
    ours, single = (found["pointing_game"]["test"]["any"]["mean"] for found in (measured, of_one))
    assert ours == pytest.approx(single, abs=1e-3)
    assert files_of(models, except_in="both") == before  # no other model's files change

    card = render_card(made)
    assert f"`{settings.members['twin'][:12]}…`" in card
    metadata = yaml.safe_load(card.split("---")[1])
    assert metadata["model-index"][0]["name"] == "both"
    assert metadata["base_model"] == [f"NAMESPACE/{name}" for name in settings.members]
    for name, others in ((known_recipe.name, {"twin", "both"}), ("both", {known_recipe.name, "twin"})):
        compared = {found.other: found for found in comparisons_of(models / name, measured)}
        assert set(compared) == others
        assert compared["twin"].difference["value"] == pytest.approx(0, abs=1e-9)  # one net, whatever calibration
        assert "| twin | " in render_card(models / name)


def files_of(folder: Path, except_in: str) -> dict[str, bytes]:
    """Return every file below a folder of model folders but those of one model."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(f"{except_in}/")}


def test_an_ensemble_of_views_is_calibrated_on_and_answers_with_their_mean(
    models: Path, known_recipe: Recipe, patches: str, tmp_path: Path
) -> None:
    recipe = EnsembleRecipe(
        "turned", "Turned", "one net", known_recipe.source, (known_recipe.name,), (AS_IT_IS, "flipped left to right")
    )
    made, _ = build_ensemble(recipe, patches, tmp_path, models)
    patch = PillowImage.open(io.BytesIO(stained_patch(5, True))).convert("RGB")
    one = Classifier(models / known_recipe.name, threads=1).evidence([patch, ImageOps.mirror(patch)]).log_odds
    assert abs(one[0] - one[1]) > 1e-4
    turned = Classifier(made, threads=1)
    assert turned.config.ensemble
    assert (turned.config.title, turned.config.summary) == ("Turned", "one net")
    weight, intercept = turned.config.ensemble.weights[known_recipe.name], turned.config.ensemble.intercept
    answers = [turned.predict(picture) for picture in (patch, ImageOps.mirror(patch))]
    for answer in answers:
        assert answer.log_odds == pytest.approx(weight * one.mean() + intercept, abs=1e-5)
        assert answer.heatmap.sum() + answer.heatmap_bias == pytest.approx(answer.log_odds, abs=1e-4)
    np.testing.assert_allclose(answers[0].heatmap, answers[1].heatmap[:, ::-1], atol=1e-6)


def test_a_member_without_weight_is_left_out(
    models: Path, known_recipe: Recipe, patches: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(models / known_recipe.name, models / "twin")
    monkeypatch.setattr(module, "fit_weights", lambda log_odds, targets, counts: Weighting((0.8, 0.0), 0.1))
    both = EnsembleRecipe(
        "both", "Both", "twice one net", known_recipe.source, (known_recipe.name, "twin"), (AS_IT_IS,)
    )
    made, _ = build_ensemble(both, patches, tmp_path, models)
    config = Classifier(made, threads=1).config
    assert config.ensemble and config.ensemble.weights == {known_recipe.name: 0.8}
    assert config.summary == f"{known_recipe.title}; the other nets add nothing"


@pytest.mark.parametrize(
    ("gain", "p_value", "default"), [(0.01, 0.01, "both"), (0.01, 0.2, "pcam-resnet18"), (0.003, 0.01, "pcam-resnet18")]
)
def test_an_ensemble_is_the_default_where_it_is_better_by_more_than_noise_and_worth_its_time(
    gain: float,
    p_value: float,
    default: str,
    models: Path,
    known_recipe: Recipe,
    patches: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pin_files(known_recipe.name, "histopathology", digests_of(models / known_recipe.name), file=catalogue_in(models))
    recipe = EnsembleRecipe("both", "Both", "one net", known_recipe.source, (known_recipe.name,), (AS_IT_IS,))
    monkeypatch.setitem(ENSEMBLES, "both", recipe)
    monkeypatch.setattr(module, "delong_test", lambda *_: DelongTest(gain, 0.005, p_value))
    options = argparse.Namespace(ensemble="both", data=patches, runs=models.parent, models=models)
    module.run(options)
    known = catalogue(catalogue_in(models))
    assert resolve("histopathology", known).name == default
    assert known["both"].members == (known_recipe.name,)


def catalogue_in(models: Path) -> Path:
    file = models / "catalogue.json"
    if not file.exists():
        file.write_text('{"namespace": null, "models": {}}')
    return file
