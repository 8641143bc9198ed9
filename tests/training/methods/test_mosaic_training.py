import dataclasses
from pathlib import Path

import pytest
import timm
import torch

from training.methods import mosaic_training
from training.methods.mosaic_training import cut, see_mosaics, stitch
from training.recipes.nets import Recipe
from training.reports.model_card import mosaics_text
from training.train import train


def test_a_mosaic_is_cut_into_the_pictures_it_was_made_of() -> None:
    pictures = torch.rand(8, 3, 4, 6)
    made = stitch(pictures)
    assert made.shape == (2, 3, 8, 12)
    torch.testing.assert_close(made[0, :, :4, 6:], pictures[1])  # upper right
    torch.testing.assert_close(made[1, :, 4:, :6], pictures[6])  # lower left
    torch.testing.assert_close(cut(made), pictures)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_a_mosaic_keeps_the_memory_format(memory_format: torch.memory_format) -> None:
    pictures = torch.rand(4, 3, 4, 4).contiguous(memory_format=memory_format)
    assert stitch(pictures).is_contiguous(memory_format=memory_format)


def net() -> torch.nn.Module:
    torch.manual_seed(0)
    model = timm.create_model("resnet18", num_classes=2, zero_init_last=False)  # else blocks pass no pixel sideways
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()  # batches must not meet in it: only neighbours in a mosaic may
    return model


def trains(model: torch.nn.Module) -> torch.nn.Module:
    model.training = True  # of the net alone: its batch norms stay as they are
    return model


def logits(model: torch.nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(pictures)


def test_neighbours_in_a_mosaic_reach_a_pictures_logits_in_training_only() -> None:
    pictures = torch.rand(4, 3, 64, 64)
    others = torch.cat([pictures[:3], torch.rand(1, 3, 64, 64)])
    model = trains(net())
    see_mosaics(model, share=1)
    assert not torch.equal(logits(model, pictures)[:3], logits(model, others)[:3])
    model.eval()
    torch.testing.assert_close(logits(model, pictures)[:3], logits(model, others)[:3])
    torch.testing.assert_close(logits(model, pictures), logits(net(), pictures))


@pytest.mark.parametrize(("share", "batch"), [(0, 4), (1, 6)])
def test_other_batches_are_seen_picture_by_picture(share: float, batch: int) -> None:
    pictures = torch.rand(batch, 3, 64, 64)
    model = trains(net())
    see_mosaics(model, share)
    torch.testing.assert_close(logits(model, pictures), logits(net(), pictures))


def test_a_net_that_looks_at_pixels_alone_answers_a_mosaic_as_it_answers_its_pictures() -> None:
    class Pixelwise(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = torch.nn.Conv2d(3, 2, 1)

        def forward_features(self, pictures: torch.Tensor) -> torch.Tensor:
            return self.convolution(pictures)

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return self.forward_features(pictures).mean((2, 3))

    model, pictures = Pixelwise(), torch.rand(8, 3, 4, 4)
    alone = logits(model, pictures)
    see_mosaics(model, share=1)
    torch.testing.assert_close(logits(model, pictures), alone)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_stage_of_mosaics_trains_on_them_and_validates_without(
    small_recipe: Recipe, patches: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    stitched = []

    def noted(pictures: torch.Tensor) -> torch.Tensor:
        stitched.append(tuple(pictures.shape))
        return stitch(pictures)

    monkeypatch.setattr(mosaic_training, "stitch", noted)
    stage = dataclasses.replace(small_recipe.stages[0], epochs=4, mosaics=wanted)
    train(dataclasses.replace(small_recipe, stages=(stage,)), tmp_path, patches)
    steps = 4 * 48 // small_recipe.batch_size
    assert set(stitched) == ({(small_recipe.batch_size, 3, stage.size, stage.size)} if wanted else set())
    assert len(stitched) < steps  # a share of the training batches, and none of validation's


def test_a_card_says_that_the_pointing_game_flatters_a_net_trained_on_mosaics(small_recipe: Recipe) -> None:
    stage = dataclasses.replace(small_recipe.stages[0], mosaics=True)
    taught = dataclasses.replace(small_recipe, name="taught", stages=(small_recipe.stages[0], stage))
    (text,) = mosaics_text([small_recipe, taught])
    assert "flatters" in text and "`taught`" in text and small_recipe.name not in text
    assert mosaics_text([small_recipe]) == []
