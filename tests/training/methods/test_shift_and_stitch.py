"""A strided net at every stride offset against the dilated net that it is trained for."""

from itertools import product

import pytest
import timm
import torch
from torch import nn

from training.methods.shift_and_stitch import RandomStrideOffsets


def pair(architecture: str, stride: int) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    strided, dilated = (
        timm.create_model(architecture, num_classes=2, output_stride=output_stride).eval()
        for output_stride in (32, stride)
    )
    dilated.load_state_dict(strided.state_dict())
    return strided, dilated


@pytest.mark.parametrize(("architecture", "stride"), [("resnet18", 8), ("tf_efficientnet_lite0", 16)])
def test_the_mean_over_all_offsets_is_the_dilated_net(
    architecture: str, stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    strided, dilated = pair(architecture, stride)
    offsets = RandomStrideOffsets(strided, dilated)
    pixels = torch.randn(2, 3, 64, 64)
    levels = {8: 2, 16: 1}[stride]  # strides that are dilations in the other net
    logits = []
    with torch.no_grad():
        for chosen in product(product((0, 1), repeat=2), repeat=levels):
            by_height = dict(zip((8, 4), chosen, strict=True)) if levels == 2 else {4: chosen[0]}
            monkeypatch.setattr(offsets, "_offset", lambda module, height, at=by_height: at[height])
            logits.append(strided(pixels))
        torch.testing.assert_close(torch.stack(logits).mean(0), dilated(pixels), rtol=1e-4, atol=1e-4)
    assert torch.stack(logits).std(0).min() > 0


def test_training_draws_an_offset_per_batch_and_eval_uses_the_first() -> None:
    strided, dilated = pair("resnet18", 8)
    RandomStrideOffsets(strided, dilated)
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(strided(pixels), strided(pixels))
        strided.train()
        for module in strided.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        drawn = {tuple(strided(pixels).ravel().tolist()) for _ in range(40)}
    assert 4 < len(drawn) <= 16


def test_another_architecture_is_refused() -> None:
    strided, _ = pair("resnet18", 8)
    with pytest.raises(ValueError, match="has no counterpart in the dilated net"):
        RandomStrideOffsets(strided, timm.create_model("resnet10t", num_classes=2, output_stride=8))


def test_a_net_that_strides_by_pooling_is_refused() -> None:
    strided, dilated = pair("resnet10t", 8)
    with pytest.raises(ValueError, match="strides by pooling"):
        RandomStrideOffsets(strided, dilated)
