"""The whole way from data to a served folder, on a net and a data set that take seconds."""

import io
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import yaml
from PIL import Image as PillowImage
from transformers import pipeline

from overread.catalogue import CatalogueEntry, catalogue, pin_files
from overread.classifier import Classifier
from overread.errors import ModelFolderError
from overread.hub import verify
from overread.model_folder import digests_of
from overread.session import OnnxSession
from tests.support.stained_patch import stained_patch
from training.measure.torch_heatmaps import load_torch_net
from training.measure.training_record import read_record
from training.methods.weight_compression import compress_weights
from training.recipes.recipe import Recipe
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
        "figures/risk_coverage.png",
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
    answer = Classifier(trained_folder, threads=1).predict(picture, squash=True)
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


def test_the_file_and_the_torch_net_hold_the_same_weights(trained_folder: Path) -> None:
    stored = load_torch_net(trained_folder)
    pixels = np.random.default_rng(1).normal(size=(3, 3, 96, 96)).astype(np.float32)
    outputs = OnnxSession(trained_folder / "onnx" / "model.onnx", threads=1).run(pixels)
    with torch.no_grad():
        logits, heatmap, _ = stored(torch.from_numpy(pixels))
    np.testing.assert_allclose(outputs.logits, logits.numpy(), rtol=2e-3, atol=2e-3)  # large weights are halves
    np.testing.assert_allclose(outputs.heatmap, heatmap.numpy(), rtol=2e-3, atol=2e-3)
