import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file
from transformers import AutoModelForImageClassification, TimmWrapperForImageClassification

from overread.model_folder import ONNX_FILE
from overread.probability import log_odds
from overread.session import OnnxSession
from training.measure.training_record import read_record
from training.methods.torch_model import save_weights
from training.recipes.nets import RECIPES
from training.recipes.recipe import Recipe
from training.restore_weights import read_weights, restore, unfold_batch_norms, write_checkpoint, write_final
from training.train import Progress, progress_of

PIXELS = np.random.default_rng(3).normal(size=(4, 3, 96, 96)).astype(np.float32)


def test_a_restored_net_answers_as_the_onnx_file_does(trained_folder: Path, small_recipe: Recipe) -> None:
    model = restore(small_recipe, trained_folder / ONNX_FILE)
    expected = OnnxSession(trained_folder / ONNX_FILE, threads=1).run(PIXELS).logits
    with torch.no_grad():
        np.testing.assert_allclose(model(torch.from_numpy(PIXELS)).logits, expected, atol=1e-4)


def test_restored_weights_are_readable_and_load_in_timm_and_transformers(
    trained_folder: Path, small_recipe: Recipe, tmp_path: Path
) -> None:
    for file in ("config.json", "preprocessor_config.json"):
        shutil.copy(trained_folder / file, tmp_path)
    written = save_weights(restore(small_recipe, trained_folder / ONNX_FILE), tmp_path)
    assert written.stat().st_mode & 0o777 == 0o644
    assert set(load_file(written)) == set(load_file(trained_folder / "model.safetensors"))
    expected = OnnxSession(trained_folder / ONNX_FILE, threads=1).run(PIXELS).logits
    with torch.no_grad():
        in_timm = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()(torch.from_numpy(PIXELS))
        in_transformers = AutoModelForImageClassification.from_pretrained(tmp_path).float().eval()
        np.testing.assert_allclose(in_timm, expected, atol=5e-3)  # large weights are halves
        np.testing.assert_allclose(in_transformers(torch.from_numpy(PIXELS)).logits, in_timm, atol=1e-5)


def test_a_checkpoint_lets_training_go_on_and_keeps_the_record(
    trained_folder: Path, small_recipe: Recipe, patches: str, tmp_path: Path
) -> None:
    model = restore(small_recipe, trained_folder / ONNX_FILE)
    checkpoint = write_checkpoint(small_recipe, model, 1, trained_folder, tmp_path, patches)
    assert progress_of(small_recipe, tmp_path) == Progress(1, checkpoint)
    record = read_record(checkpoint.parent)
    assert record.stages == read_record(trained_folder).stages
    assert record.notes == ("Stage 2 and later went on from the weights of the ONNX file, at their 8-bit levels.",)


def test_a_net_can_be_exported_again_without_its_calibration(
    trained_folder: Path, small_recipe: Recipe, tmp_path: Path
) -> None:
    final = write_final(small_recipe, trained_folder, tmp_path)
    fitted = json.loads((trained_folder / "config.json").read_text())["overread"]["calibration"]
    calibrated = log_odds(OnnxSession(trained_folder / ONNX_FILE, threads=1).run(PIXELS).logits)
    with torch.no_grad():
        logits = TimmWrapperForImageClassification.from_pretrained(final).eval()(torch.from_numpy(PIXELS)).logits
    expected = fitted["slope"] * log_odds(logits.numpy()) + fitted["intercept"]
    np.testing.assert_allclose(calibrated, expected, rtol=1e-2, atol=1e-2)
    assert (final / "training.json").read_text() == (trained_folder / "training.json").read_text()


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
