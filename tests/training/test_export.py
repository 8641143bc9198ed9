"""The whole way from data to a served folder, on a net and a data set that take seconds."""

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from datasets import Dataset, Image
from PIL import Image as PillowImage
from transformers import pipeline

from models.catalogue import CatalogueEntry
from models.classifier import Classifier
from models.errors import ModelFolderError
from models.hub import verify
from training import evaluate as evaluation
from training.compress import compress_weights
from training.evaluate import evaluate, proportion
from training.export import export, pin
from training.recipes import RECIPES, Recipe, Stage
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
        stages=(Stage(size=64, output_stride=32, epochs=2, learning_rate=2e-3, batch_size=8),),
    )


@pytest.fixture(scope="module")
def folder(recipe: Recipe, data: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained, exported and evaluated: the model folder."""
    work = tmp_path_factory.mktemp("work")
    train(recipe, work / "runs", data)
    made = export(recipe, work / "runs", data, work / "weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "RESAMPLES", 50)
        evaluate(recipe, data, work / "weights")
    return made


def test_the_folder_holds_what_its_hub_repository_needs(folder: Path) -> None:
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) == [
        "README.md",
        "config.json",
        "evaluation.json",
        "export.json",
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
    file.write_text(
        json.dumps({"models": {folder.name: {"domain": "histopathology", "revision": "main", "sha256": {}}}})
    )
    pin(folder, file)
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


@pytest.mark.parametrize(("successes", "trials", "low", "high"), [(81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611)])
def test_the_wilson_interval_equals_published_examples(successes: int, trials: int, low: float, high: float) -> None:
    # Newcombe 1998, Two-sided confidence intervals for the single proportion, table I, method 3
    estimate = proportion(successes, trials)
    assert (estimate["low"], estimate["high"]) == pytest.approx((low, high), abs=1e-4)
