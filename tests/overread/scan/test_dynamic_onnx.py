from pathlib import Path

import numpy as np
import onnx
import pytest

from overread.catalogue import catalogue
from overread.scan.dynamic_onnx import with_dynamic_size
from overread.scan.models import dense_session
from overread.session import OnnxSession

NETS = [name for name, one in catalogue().items() if one.domain == "histopathology" and not one.members]


def test_only_declared_shapes_change(patch_folder: Path) -> None:
    path = patch_folder / "onnx" / "model.onnx"
    before, after = onnx.load(path), onnx.load_from_string(with_dynamic_size(path))
    onnx.checker.check_model(after, full_check=True)
    assert [d.dim_param for d in after.graph.input[0].type.tensor_type.shape.dim] == [
        "n",
        "",
        "pixel_values_height",
        "pixel_values_width",
    ]
    for part in ("input", "output", "value_info"):
        before.graph.ClearField(part), after.graph.ClearField(part)
    assert before == after


@pytest.mark.parametrize("name", NETS)
def test_a_bundled_net_answers_single_patches_as_before_and_takes_larger_inputs(name: str) -> None:
    path = catalogue()[name].bundled_folder / "onnx" / "model.onnx"
    fixed, dynamic = OnnxSession(path, 1), dense_session(path, 1)
    side = onnx.load(path, load_external_data=False).graph.input[0].type.tensor_type.shape.dim[2].dim_value
    pixels = np.random.default_rng(0).normal(size=(2, 3, side, side)).astype(np.float32)
    expected = fixed.run(pixels)
    logits, heatmap = dynamic.run(["logits", "heatmap"], {"pixel_values": pixels})
    np.testing.assert_allclose(logits, expected.logits, atol=1e-5)
    np.testing.assert_allclose(heatmap, expected.heatmap, atol=1e-6)
    larger = dynamic.run(["heatmap"], {"pixel_values": np.zeros((1, 3, 2 * side, 3 * side), np.float32)})[0]
    assert larger.shape == (1, 2 * expected.heatmap.shape[1], 3 * expected.heatmap.shape[2])
