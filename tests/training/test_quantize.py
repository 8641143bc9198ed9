import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from overread.session import OnnxSession, Outputs
from training.export import CALIBRATED
from training.quantize import compare_files, try_int8
from training.recipes.nets import Recipe


def test_an_exported_net_computes_in_8_bits_and_says_nearly_the_same(
    trained_folder: Path, small_recipe: Recipe, patches: str
) -> None:
    runs = trained_folder.parents[1] / "runs"
    found = try_int8(small_recipe, runs, patches, trained_folder.parent)
    graph = onnx.load(runs / small_recipe.name / "int8.onnx").graph
    inputs = {name for node in graph.node if node.op_type == "Conv" for name in node.input[:2]}
    made_by = {name: node.op_type for node in graph.node for name in node.output}
    assert {made_by[name] for name in inputs} == {"DequantizeLinear"}
    plain, int8 = (
        OnnxSession(file, threads=1)
        for file in (runs / small_recipe.name / CALIBRATED, runs / small_recipe.name / "int8.onnx")
    )
    pixels = np.random.default_rng(0).normal(size=(2, 3, 96, 96)).astype(np.float32)
    assert np.abs(plain.run(pixels).logits - int8.run(pixels).logits).max() > 0
    assert found["heatmap_correlation"] > 0.9 and found["auc_int8"] == pytest.approx(found["auc"], abs=0.1)
    assert found["bytes_int8"] < 1.6 * found["bytes"] and found["ms"] > 0 and found["ms_int8"] > 0
    assert json.loads((trained_folder / "export.json").read_text())["static_int8"] == found


def test_what_changes_is_reckoned_on_probabilities_and_maps() -> None:
    zero, one = np.zeros((2, 3)), np.arange(8.0).reshape(2, 2, 2)
    shipped = Outputs(np.array([[0, 0], [0, 2.0]]), one, zero)
    other = Outputs(np.array([[0, 3.0], [0, 2.0]]), -one, zero)
    found = compare_files(shipped, other, np.array([0, 1]))
    assert (found["auc"], found["auc_int8"], found["images"]) == (1, 0, 2)
    assert found["largest_probability_difference"] == pytest.approx(1 / (1 + np.exp(-3)) - 0.5)
    assert found["heatmap_correlation"] == pytest.approx(-1)
