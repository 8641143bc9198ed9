"""The whole way from data to a served folder, on a net and a data set that take seconds."""

import dataclasses
import io
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import yaml
from PIL import Image as PillowImage
from PIL import ImageOps
from transformers import pipeline

from overread.catalogue import CatalogueEntry, catalogue, pin_files
from overread.classifier import Classifier
from overread.errors import ModelFolderError
from overread.flips import AS_IT_IS
from overread.hub import verify
from overread.model_folder import digests_of
from overread.session import OnnxSession
from tests.support.stained_patch import stained_patch
from training.build_ensemble import build_ensemble
from training.evaluate import evaluate
from training.measure.torch_heatmaps import load_torch_net
from training.measure.training_record import read_record
from training.methods.weight_compression import compress_weights
from training.recipes.ensembles import EnsembleRecipe
from training.recipes.nets import RECIPES, Recipe
from training.reports.model_card import comparisons_of, render_card
from training.train import train


def test_the_folder_holds_what_its_hub_repository_needs(trained_folder: Path) -> None:
    assert sorted(str(p.relative_to(trained_folder)) for p in trained_folder.rglob("*") if p.is_file()) == [
        "README.md",
        "config.json",
        "evaluation.json",
        "export.json",
        "figures/confusion.png",
        "figures/perturbation.png",
        "figures/reliability.png",
        "figures/roc.png",
        "model.safetensors",
        "onnx/model.onnx",
        "onnx/preprocess.onnx",
        "predictions.csv",
        "preprocessor_config.json",
        "training.json",
    ]


@pytest.mark.parametrize("size", [(96, 96), (240, 150)])
def test_transformers_gives_the_same_probabilities(trained_folder: Path, size: tuple[int, int]) -> None:
    classify = pipeline("image-classification", model=str(trained_folder))
    picture = PillowImage.open(io.BytesIO(stained_patch(7, True))).resize(size)
    expected = {row["label"]: row["score"] for row in classify(picture)}
    answer = Classifier(trained_folder, threads=1).predict(picture)
    assert answer.probabilities == pytest.approx(expected, abs=1e-3)


def test_what_was_learned_is_served(trained_folder: Path) -> None:
    classifier = Classifier(trained_folder, threads=1)
    bright, dark = (classifier.predict(io.BytesIO(stained_patch(99, label))) for label in (True, False))
    assert bright.probability > dark.probability
    assert bright.heatmap.shape == (12, 12)
    assert bright.heatmap.sum() + bright.heatmap_bias == pytest.approx(bright.log_odds, abs=1e-4)


def test_the_evaluation_counts_every_test_picture(trained_folder: Path) -> None:
    written = json.loads((trained_folder / "evaluation.json").read_text())
    test = written["splits"]["test"]
    assert (test["images"], test["positives"]) == (30, 15)
    for point in test["operating_points"].values():
        assert sum(point[k] for k in ("true_positive", "false_negative", "true_negative", "false_positive")) == 30
        assert point["sensitivity"]["low"] <= point["sensitivity"]["value"] <= point["sensitivity"]["high"]
    assert test["auc"]["low"] <= test["auc"]["value"] <= test["auc"]["high"]
    assert written["sha256"] == Classifier(trained_folder, threads=1).identity.sha256


def test_the_card_quotes_the_evaluation(trained_folder: Path) -> None:
    card = (trained_folder / "README.md").read_text()
    header = yaml.safe_load(card.split("---")[1])
    test = json.loads((trained_folder / "evaluation.json").read_text())["splits"]["test"]
    assert header["model-index"][0]["results"][0]["metrics"][0]["value"] == round(test["auc"]["value"], 4)
    assert f"{test['auc']['value']:.3f} ({test['auc']['low']:.3f}-" in card
    assert "not a medical device" in card


def test_a_pinned_folder_is_served_and_an_altered_one_refused(trained_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps({"models": {}}))
    pin_files(trained_folder.name, "histopathology", digests_of(trained_folder), file=file)
    entry = catalogue(file)[trained_folder.name]
    verify(entry, trained_folder)
    altered = CatalogueEntry(entry.name, entry.domain, entry.revision, dict(entry.sha256) | {"config.json": "0" * 64})
    with pytest.raises(ModelFolderError, match="not the file the catalogue pins"):
        verify(altered, trained_folder)


def test_a_second_training_resumes_instead_of_starting_over(
    trained_folder: Path, small_recipe: Recipe, patches: str
) -> None:
    runs = trained_folder.parents[1] / "runs"
    checkpoint = runs / small_recipe.name / "stage-0-done.pt"
    before, record = checkpoint.stat().st_mtime_ns, read_record(trained_folder)
    folder = train(small_recipe, runs, patches)
    assert checkpoint.stat().st_mtime_ns == before and read_record(folder) == record


def test_weights_in_8_bits_are_within_the_promised_error() -> None:
    weight = (
        np.random.default_rng(0).normal(size=(64, 64, 3, 3)).astype(np.float32) * np.arange(1, 65)[:, None, None, None]
    )
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "w"], ["y"])],
        "one",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 64, 3, 3])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 64, 1, 1])],
        [onnx.numpy_helper.from_array(weight.astype(np.float32), "w")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    small = compress_weights(model)
    assert small.ByteSize() < 0.3 * model.ByteSize()
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in small.graph.initializer}
    restored = stored["w_int8"] * stored["w_scale"]
    largest = np.abs(weight).max(axis=(1, 2, 3), keepdims=True)
    assert (np.abs(restored - weight) <= 0.004 * largest).all()


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
    both = EnsembleRecipe("both", (known_recipe.name, "twin"), (AS_IT_IS,))
    made = build_ensemble(both, patches, tmp_path, models)
    answer = Classifier(made, threads=1).predict(io.BytesIO(stained_patch(5, True)))
    alone = Classifier(trained, threads=1).predict(io.BytesIO(stained_patch(5, True)))
    settings = Classifier(made, threads=1).config.ensemble
    assert settings
    assert answer.log_odds == pytest.approx(settings.slope * alone.log_odds + settings.intercept, abs=1e-5)
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
    recipe = EnsembleRecipe("turned", (known_recipe.name,), (AS_IT_IS, "flipped left to right"))
    made = build_ensemble(recipe, patches, tmp_path, models)
    patch = PillowImage.open(io.BytesIO(stained_patch(5, True))).convert("RGB")
    one = Classifier(models / known_recipe.name, threads=1).evidence([patch, ImageOps.mirror(patch)]).log_odds
    assert abs(one[0] - one[1]) > 1e-4
    turned = Classifier(made, threads=1)
    assert turned.config.ensemble
    slope, intercept = turned.config.ensemble.slope, turned.config.ensemble.intercept
    answers = [turned.predict(picture) for picture in (patch, ImageOps.mirror(patch))]
    for answer in answers:
        assert answer.log_odds == pytest.approx(slope * one.mean() + intercept, abs=1e-5)
        assert answer.heatmap.sum() + answer.heatmap_bias == pytest.approx(answer.log_odds, abs=1e-4)
    np.testing.assert_allclose(answers[0].heatmap, answers[1].heatmap[:, ::-1], atol=1e-6)


def test_the_file_and_the_torch_net_hold_the_same_weights(trained_folder: Path) -> None:
    stored = load_torch_net(trained_folder)
    pixels = np.random.default_rng(1).normal(size=(3, 3, 96, 96)).astype(np.float32)
    outputs = OnnxSession(trained_folder / "onnx" / "model.onnx", threads=1).run(pixels)
    with torch.no_grad():
        logits, heatmap, _ = stored(torch.from_numpy(pixels))
    np.testing.assert_allclose(outputs.logits, logits.numpy(), rtol=2e-3, atol=2e-3)  # large weights are halves
    np.testing.assert_allclose(outputs.heatmap, heatmap.numpy(), rtol=2e-3, atol=2e-3)
