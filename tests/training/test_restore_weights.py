from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from overread.model_folder import ONNX_FILE
from overread.session import OnnxSession
from training.recipes.nets import RECIPES, Recipe
from training.restore_weights import read_weights, restore, unfold_batch_norms

PIXELS = np.random.default_rng(3).normal(size=(4, 3, 96, 96)).astype(np.float32)


def test_a_restored_net_answers_as_the_onnx_file_does(trained_folder: Path, small_recipe: Recipe) -> None:
    model = restore(small_recipe, trained_folder / ONNX_FILE)
    expected = OnnxSession(trained_folder / ONNX_FILE, threads=1).run(PIXELS).logits
    with torch.no_grad():
        np.testing.assert_allclose(model(torch.from_numpy(PIXELS)).logits, expected, atol=1e-4)
    names = set(load_file(trained_folder / "model.safetensors"))
    assert set(model.state_dict()) == names


def test_training_can_go_on_with_it(trained_folder: Path, small_recipe: Recipe) -> None:
    model = restore(small_recipe, trained_folder / ONNX_FILE)
    pixels = torch.from_numpy(PIXELS)
    with torch.no_grad():
        before = model(pixels).logits
        unfold_batch_norms(model, [pixels[:3], pixels[3:]])
        torch.testing.assert_close(model(pixels).logits, before, atol=1e-4, rtol=1e-4)
        first = model.timm_model.conv1[0](pixels)  # (4, C, 48, 48): what the first batch norm reads
    norm = model.timm_model.conv1[1]
    torch.testing.assert_close(norm.running_mean, first.mean((0, 2, 3)), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(norm.running_var, first.var((0, 2, 3), correction=0), atol=1e-4, rtol=1e-3)
    model.train()
    with torch.no_grad():  # the statistics of these pictures are the running ones, so the answers stay
        torch.testing.assert_close(model(pixels).logits, before, atol=1e-3, rtol=1e-3)


def test_weights_kept_in_8_bits_come_back_as_floats(trained_folder: Path) -> None:
    weights = read_weights(trained_folder / ONNX_FILE)
    assert not any(name.endswith(("_int8", "_scale")) for name in weights)
    assert weights["net.layer4.0.conv2.weight"].dtype == torch.float32


def test_a_file_of_another_architecture_is_refused(trained_folder: Path) -> None:
    with pytest.raises(ValueError, match="does not hold a resnet18 of ours"):
        restore(RECIPES["pcam-resnet18"], trained_folder / ONNX_FILE)
