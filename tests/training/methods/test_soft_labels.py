import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file

from training.data.splits import load_split
from training.measure.training_record import read_record
from training.methods import soft_labels as module
from training.methods.distillation import MissingTeacherError
from training.methods.heatmap_in_graph import log_odds
from training.methods.soft_labels import OUTPUT_STRIDE, soft_labels
from training.methods.torch_model import build_model
from training.recipes.recipe import Recipe
from training.train import train

TEACHERS = ("first", "second")


@pytest.fixture(scope="module")
def runs(small_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nets with different random weights, as training leaves them."""
    folder = tmp_path_factory.mktemp("runs")
    torch.manual_seed(0)
    for name in TEACHERS:
        build_model(small_recipe, 64, small_recipe.export_stride).save_pretrained(folder / name / "final")
    return folder


@pytest.fixture(scope="module")
def images(small_recipe: Recipe, patches: str) -> Dataset:
    return load_split(small_recipe.source, "train", patches)


def test_soft_labels_are_the_mean_over_nets_and_flips(small_recipe: Recipe, runs: Path, images: Dataset) -> None:
    labels = soft_labels(TEACHERS, images, runs)
    assert labels.shape == (len(images),) and labels.std() > 0

    pixels = torch.from_numpy(small_recipe.preprocessing(64)([image.convert("RGB") for image in images["image"]]))
    flips: tuple[tuple[tuple[int, ...], ...], ...] = (((), (-1, -2)), ((-1,), (-2,)))  # all four, two for each net
    answers = []
    for name, axes in zip(TEACHERS, flips, strict=True):
        net = build_model(small_recipe, 64, OUTPUT_STRIDE).eval()
        net.load_state_dict(load_file(runs / name / "final" / "model.safetensors"))
        with torch.no_grad():
            answers += [log_odds(net(pixels.flip(axis)).logits).numpy() for axis in axes]
    np.testing.assert_allclose(labels, np.mean(answers, axis=0), atol=1e-4)


def test_soft_labels_are_computed_once(runs: Path, images: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    first = soft_labels(TEACHERS, images, runs)
    monkeypatch.setattr(module, "over_half_turns", None)  # a net that is asked again fails
    np.testing.assert_array_equal(soft_labels(TEACHERS, images, runs), first)


def test_other_images_get_soft_labels_of_their_own(runs: Path, images: Dataset) -> None:
    assert len(soft_labels(TEACHERS, images.select(range(5)), runs)) == 5


def test_an_untrained_teacher_is_named(tmp_path: Path, images: Dataset) -> None:
    with pytest.raises(MissingTeacherError, match=r"run `python -m training train third` first"):
        soft_labels(("third",), images, tmp_path)


def test_a_net_learns_from_soft_labels(small_recipe: Recipe, runs: Path, patches: str) -> None:
    stage = dataclasses.replace(small_recipe.stages[0], epochs=1, soft_labels=TEACHERS, random_filters=True, twice=0.25)
    recipe = dataclasses.replace(small_recipe, name="student", stages=(stage,))
    record = read_record(train(recipe, runs, patches))
    assert record.stages[0].soft_labels == TEACHERS
    assert record.stages[0].teacher_share == stage.teacher_share and record.stages[0].random_filters
    assert record.stages[0].seen_twice == 0.25
