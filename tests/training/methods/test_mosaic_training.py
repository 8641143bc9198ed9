import dataclasses
from pathlib import Path

import pytest
import timm
import torch

from training.methods import mosaic_training
from training.methods.mosaic_training import cut, stitch, train_on_mosaics
from training.recipes.recipe import Recipe
from training.train import train


def test_cutting_a_mosaic_returns_its_images() -> None:
    images = torch.rand(8, 3, 4, 6)
    made = stitch(images)
    assert made.shape == (2, 3, 8, 12)
    torch.testing.assert_close(made[0, :, :4, 6:], images[1])  # upper right
    torch.testing.assert_close(made[1, :, 4:, :6], images[6])  # lower left
    torch.testing.assert_close(cut(made), images)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_a_mosaic_keeps_the_memory_format(memory_format: torch.memory_format) -> None:
    images = torch.rand(4, 3, 4, 4).contiguous(memory_format=memory_format)
    assert stitch(images).is_contiguous(memory_format=memory_format)


def net() -> torch.nn.Module:
    torch.manual_seed(0)
    model = timm.create_model("resnet18", num_classes=2, zero_init_last=False)  # else residual branches start at zero
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()  # else images of a batch affect each other through its statistics
    return model


def training_mode(model: torch.nn.Module) -> torch.nn.Module:
    model.training = True  # of the net only: batch norms stay in eval mode
    return model


def logits(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(images)


def test_neighbours_in_a_mosaic_affect_logits_in_training_only() -> None:
    images = torch.rand(4, 3, 64, 64)
    others = torch.cat([images[:3], torch.rand(1, 3, 64, 64)])
    model = training_mode(net())
    train_on_mosaics(model, share=1)
    assert not torch.equal(logits(model, images)[:3], logits(model, others)[:3])
    model.eval()
    torch.testing.assert_close(logits(model, images)[:3], logits(model, others)[:3])
    torch.testing.assert_close(logits(model, images), logits(net(), images))


@pytest.mark.parametrize(("share", "batch"), [(0, 4), (1, 6)])
def test_batches_outside_the_share_or_not_divisible_by_four_are_not_arranged(share: float, batch: int) -> None:
    images = torch.rand(batch, 3, 64, 64)
    model = training_mode(net())
    train_on_mosaics(model, share)
    torch.testing.assert_close(logits(model, images), logits(net(), images))


def test_a_pixelwise_net_gives_the_same_logits_on_mosaics() -> None:
    class Pixelwise(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = torch.nn.Conv2d(3, 2, 1)

        def forward_features(self, images: torch.Tensor) -> torch.Tensor:
            return self.convolution(images)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.forward_features(images).mean((2, 3))

    model, images = Pixelwise(), torch.rand(8, 3, 4, 4)
    alone = logits(model, images)
    train_on_mosaics(model, share=1)
    torch.testing.assert_close(logits(model, images), alone)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_stage_with_mosaic_training_validates_on_single_images(
    small_recipe: Recipe, patches: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    stitched = []

    def record(images: torch.Tensor) -> torch.Tensor:
        stitched.append(tuple(images.shape))
        return stitch(images)

    monkeypatch.setattr(mosaic_training, "stitch", record)
    stage = dataclasses.replace(small_recipe.stages[0], epochs=4, mosaic_training=wanted)
    train(dataclasses.replace(small_recipe, stages=(stage,)), tmp_path, patches)
    steps = 4 * 48 // small_recipe.batch_size
    assert set(stitched) == ({(small_recipe.batch_size, 3, stage.size, stage.size)} if wanted else set())
    assert len(stitched) < steps  # part of the training batches, and no validation batch
