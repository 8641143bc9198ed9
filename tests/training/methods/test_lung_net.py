from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from overread.catalogue import lung_net
from overread.errors import ModelFolderError
from overread.hub import ModelSource
from overread.lungs import LungNet as OnnxLungNet
from training.methods.lung_net import (
    SIDE,
    LungNet,
    load_lung_net,
    lung_probabilities,
    pseudo_lungs,
    save_lung_net,
)

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "chest-xray").glob("*.jpeg"))


@pytest.fixture(scope="module")
def net() -> LungNet:
    torch.manual_seed(0)
    return LungNet().eval()


def test_it_is_small_and_gives_one_logit_per_pixel(net: LungNet) -> None:
    assert sum(weights.numel() for weights in net.parameters()) < 400_000
    with torch.inference_mode():
        assert net(torch.rand(2, 1, SIDE, SIDE)).shape == (2, SIDE, SIDE)


def test_exposure_and_contrast_change_nothing(net: LungNet) -> None:
    film = torch.rand(1, 1, SIDE, SIDE)
    with torch.inference_mode():
        torch.testing.assert_close(net(0.5 * film + 0.2), net(film), atol=1e-2, rtol=0)


def test_a_saved_net_comes_back_and_none_is_missed(net: LungNet, tmp_path: Path) -> None:
    save_lung_net(net, tmp_path / "final")
    images = [Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80), np.uint8))]
    np.testing.assert_array_equal(
        lung_probabilities(load_lung_net(tmp_path / "final"), images), lung_probabilities(net, images)
    )
    assert pseudo_lungs(images * 3, tmp_path / "final").shape == (3, 224, 224)
    with pytest.raises(ModelFolderError, match="train-lungs"):
        load_lung_net(tmp_path)


def test_the_shipped_weights_are_those_of_the_shipped_onnx_file() -> None:
    entry = lung_net("chest-xray")
    assert entry
    images = [Image.open(file).convert("L").resize((SIDE, SIDE)) for file in EXAMPLES]
    by_onnx = OnnxLungNet(ModelSource(entry.bundled_folder, entry.name), threads=1)(images)
    np.testing.assert_allclose(lung_probabilities(load_lung_net(entry.bundled_folder), images), by_onnx, atol=1e-4)
