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
from datasets import Dataset, Image
from PIL import Image as PillowImage
from transformers import pipeline

from models.catalogue import CatalogueEntry
from models.classifier import Classifier
from models.errors import ModelFolderError
from models.hub import verify
from models.session import OnnxSession
from training.compress import compress_weights
from training.ensemble import join
from training.evaluate import evaluate, torch_net
from training.export import export, pin
from training.recipes import RECIPES, EnsembleRecipe, Recipe, Stage
from training.train import train


def stained_patch(seed: int, label: bool) -> bytes:
    """A patch that a net learns in a few steps: bright where the label is true, dark where not."""
    random = np.random.default_rng(seed)
    pixels = random.normal(170 if label else 90, 40, (96, 96, 3)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    PillowImage.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("patches")
    (folder / "data").mkdir()
    for number, (split, images) in enumerate({"train": 48, "valid": 40, "test": 30}.items()):
        labels = [bool(n % 2) for n in range(images)]
        rows = [{"bytes": stained_patch(1000 * number + n, label), "path": None} for n, label in enumerate(labels)]
        dataset = Dataset.from_dict({"image": rows, "label": labels}).cast_column("image", Image())
        dataset.to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    return str(folder)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return dataclasses.replace(
        RECIPES["pcam-resnet18"],
        architecture="resnet10t",
        stages=(
            Stage(
                size=64,
                output_stride=32,
                epochs=2,
                learning_rate=2e-3,
                batch_size=8,
                augmentation="histopathology",
            ),
        ),
    )


@pytest.fixture(scope="module")
def folder(recipe: Recipe, data: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained, exported and evaluated: the model folder."""
    work = tmp_path_factory.mktemp("work")
    train(recipe, work / "runs", data)
    made = export(recipe, work / "runs", data, work / "weights")
    evaluate(recipe, data, runs=work / "runs", weights=work / "weights", mosaics=4, perturbed=4)
    return made


def test_the_folder_holds_what_its_hub_repository_needs(folder: Path) -> None:
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) == [
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
        "preprocessor_config.json",
    ]


@pytest.mark.parametrize("size", [(96, 96), (240, 150)])
def test_transformers_gives_the_same_probabilities(folder: Path, size: tuple[int, int]) -> None:
    classify = pipeline("image-classification", model=str(folder))
    picture = PillowImage.open(io.BytesIO(stained_patch(7, True))).resize(size)
    expected = {row["label"]: row["score"] for row in classify(picture)}
    answer = Classifier(folder, threads=1).predict(picture)
    assert answer.probabilities == pytest.approx(expected, abs=1e-3)


def test_what_was_learned_is_served(folder: Path) -> None:
    classifier = Classifier(folder, threads=1)
    bright, dark = (classifier.predict(io.BytesIO(stained_patch(99, label))) for label in (True, False))
    assert bright.probability > dark.probability
    assert bright.heatmap.shape == (12, 12)
    assert bright.heatmap.sum() + bright.heatmap_bias == pytest.approx(bright.log_odds, abs=1e-4)


def test_the_evaluation_counts_every_test_picture(folder: Path) -> None:
    written = json.loads((folder / "evaluation.json").read_text())
    test = written["splits"]["test"]
    assert (test["images"], test["positives"]) == (30, 15)
    for point in test["operating_points"].values():
        assert sum(point[k] for k in ("true_positive", "false_negative", "true_negative", "false_positive")) == 30
        assert point["sensitivity"]["low"] <= point["sensitivity"]["value"] <= point["sensitivity"]["high"]
    assert test["auc"]["low"] <= test["auc"]["value"] <= test["auc"]["high"]
    assert written["sha256"] == Classifier(folder, threads=1).identity.sha256


def test_the_card_quotes_the_evaluation(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    header = yaml.safe_load(card.split("---")[1])
    test = json.loads((folder / "evaluation.json").read_text())["splits"]["test"]
    assert header["model-index"][0]["results"][0]["metrics"][0]["value"] == round(test["auc"]["value"], 4)
    assert f"{test['auc']['value']:.3f} ({test['auc']['low']:.3f}-" in card
    assert "not a medical device" in card


def test_a_pinned_folder_is_served_and_an_altered_one_refused(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps({"models": {}}))
    pin(folder, "histopathology", catalogue_file=file)
    entry = CatalogueEntry(folder.name, **json.loads(file.read_text())["models"][folder.name])
    verify(entry, folder)
    altered = CatalogueEntry(entry.name, entry.domain, entry.revision, dict(entry.sha256) | {"config.json": "0" * 64})
    with pytest.raises(ModelFolderError, match="not the file the catalogue pins"):
        verify(altered, folder)


def test_a_second_training_resumes_instead_of_starting_over(
    recipe: Recipe, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(recipe, tmp_path, data)
    monkeypatch.setattr("training.train.train_stage", lambda *a: pytest.fail("the finished stage was trained again"))
    assert (train(recipe, tmp_path, data) / "model.safetensors").exists()


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


def test_an_ensemble_of_two_exports_is_calibrated_measured_and_described(
    folder: Path, recipe: Recipe, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = folder.parent
    shutil.copytree(folder, weights / "twin", dirs_exist_ok=True)
    twin = dataclasses.replace(recipe, name="twin")
    monkeypatch.setitem(RECIPES, "twin", twin)
    monkeypatch.setitem(RECIPES, recipe.name, recipe)
    both = EnsembleRecipe("both", (recipe.name, "twin"))
    made = join(both, data, weights)
    answer = Classifier(made, threads=1).predict(io.BytesIO(stained_patch(5, True)))
    alone = Classifier(folder, threads=1).predict(io.BytesIO(stained_patch(5, True)))
    settings = Classifier(made, threads=1).config.ensemble
    assert settings
    assert answer.log_odds == pytest.approx(settings.slope * alone.log_odds + settings.intercept, abs=1e-5)
    assert answer.heatmap.sum() + answer.heatmap_bias == pytest.approx(answer.log_odds, abs=1e-4)

    measured = evaluate(both, data, runs=weights, weights=weights, mosaics=4, perturbed=4)
    of_one = json.loads((folder / "evaluation.json").read_text())
    assert measured["splits"]["test"]["auc"] == pytest.approx(of_one["splits"]["test"]["auc"])
    assert measured["pointing_game"]["ours"]["mean"] == pytest.approx(of_one["pointing_game"]["ours"]["mean"], abs=1e-3)
    card = (made / "README.md").read_text()
    assert f"`twin` with ONNX file `{settings.members['twin'][:12]}`" in card
    assert yaml.safe_load(card.split("---")[1])["model-index"][0]["name"] == "both"


def test_the_file_and_the_torch_net_hold_the_same_weights(folder: Path) -> None:
    stored = torch_net(folder)
    pixels = np.random.default_rng(1).normal(size=(3, 3, 96, 96)).astype(np.float32)
    outputs = OnnxSession(folder / "onnx" / "model.onnx", threads=1).run(pixels)
    with torch.no_grad():
        logits, heatmap, _ = stored(torch.from_numpy(pixels))
    np.testing.assert_allclose(outputs.logits, logits.numpy(), atol=5e-3)  # half precision in one of the two
    np.testing.assert_allclose(outputs.heatmap, heatmap.numpy(), atol=1e-3)
