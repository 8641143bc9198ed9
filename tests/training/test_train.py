import csv
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from tests.support.hub_on_loopback import HubOnLoopback
from training.data.splits import load_split
from training.recipes.nets import RECIPES, Recipe, Stage
from training.train import build_model, collate, load_initial_weights, settle_batch_norms, train


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return dataclasses.replace(RECIPES["pcam-resnet18"], architecture="resnet10t")


def test_pretrained_weights_fill_the_trunk_and_leave_the_classifier_at_zero(recipe: Recipe, tmp_path: Path) -> None:
    torch.manual_seed(0)
    pretrained = timm.create_model("resnet10t", num_classes=1000)
    save_file(pretrained.state_dict(), tmp_path / "trunk.safetensors")
    model = build_model(recipe, 64, 32)
    load_initial_weights(model, recipe, str(tmp_path / "trunk.safetensors"))
    torch.testing.assert_close(model.timm_model.layer4[0].conv1.weight, pretrained.layer4[0].conv1.weight)
    assert not model.timm_model.get_classifier().weight.any()
    assert not model(torch.randn(2, 3, 64, 64)).logits.any()


def test_weights_of_another_architecture_are_refused(recipe: Recipe, tmp_path: Path) -> None:
    save_file({"patch_embed.weight": torch.zeros(3)}, tmp_path / "vit.safetensors")
    with pytest.raises(SystemExit, match="no weights that fit resnet10t"):
        load_initial_weights(build_model(recipe, 64, 32), recipe, str(tmp_path / "vit.safetensors"))


@pytest.mark.parametrize("name", RECIPES)
def test_every_stride_of_a_recipe_has_the_same_weights(name: str) -> None:
    recipe = RECIPES[name]
    wide = build_model(recipe, recipe.export_size, recipe.export_stride).state_dict()
    for stage in recipe.stages:
        narrow = build_model(recipe, stage.size, stage.output_stride).state_dict()
        assert {k: v.shape for k, v in narrow.items()} == {k: v.shape for k, v in wide.items()}


def test_a_batch_is_channels_last_float32() -> None:
    rows = [{"pixel_values": torch.randn(3, 8, 8).numpy(), "labels": label} for label in (0, 1)]
    batch = collate(rows)
    assert batch["pixel_values"].is_contiguous(memory_format=torch.channels_last)
    assert batch["pixel_values"].dtype == torch.float32
    assert batch["labels"].tolist() == [0, 1]


def test_settled_batch_norms_know_the_clean_training_pictures(small_recipe: Recipe, patches: str) -> None:
    pictures = load_split(small_recipe.source, "train", patches)
    model = build_model(small_recipe, small_recipe.export_size, small_recipe.export_stride)
    settle_batch_norms(model, small_recipe, pictures)
    net = model.timm_model
    pixels = small_recipe.preprocessing()([image.convert("RGB") for image in pictures["image"]])
    with torch.no_grad():
        first = net.conv1[0](torch.from_numpy(pixels))  # (48, C, 48, 48): what the stem's first batch norm is given
    norm = net.conv1[1]
    torch.testing.assert_close(norm.running_mean, first.mean((0, 2, 3)), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(norm.running_var, first.var((0, 2, 3)), atol=1e-4, rtol=1e-3)


def test_a_recipe_starts_from_the_trunk_it_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []
    monkeypatch.setattr("training.train.load_split", lambda *a: None)
    monkeypatch.setattr("training.train.load_initial_weights", lambda model, recipe, init: asked.append(init))
    monkeypatch.setattr("training.train.train_stage", lambda recipe, stage, model, *rest: model)
    monkeypatch.setattr("training.train.RandomPhases", lambda *nets: None)
    recipe = dataclasses.replace(RECIPES["pcam-efficientnet-lite0"], architecture="resnet10t")
    for runs, init in ((tmp_path / "hub", None), (tmp_path / "local", "trunk.safetensors")):
        (runs / recipe.name).mkdir(parents=True)
        train(recipe, runs, init=init)
    assert asked == ["timm/tf_efficientnet_lite0.in1k", "trunk.safetensors"]


def test_training_goes_on_after_the_last_finished_stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[int] = []
    recipe = dataclasses.replace(RECIPES["pcam-resnet18"], architecture="resnet10t", settled_batch_norms=False)
    monkeypatch.setattr("training.train.load_split", lambda *a: None)

    def count(recipe: Recipe, stage: Stage, model: Any, *rest: object) -> Any:
        ran.append(recipe.stages.index(stage))
        assert not model.timm_model.get_classifier().bias.any()
        return model

    monkeypatch.setattr("training.train.train_stage", count)
    monkeypatch.setattr("training.train.RandomPhases", lambda *nets: None)
    finished = build_model(recipe, 96, 32)
    torch.nn.init.zeros_(finished.timm_model.get_classifier().bias)
    (tmp_path / recipe.name).mkdir()
    torch.save(finished.state_dict(), tmp_path / recipe.name / "stage-1-done.pt")
    train(recipe, tmp_path)
    assert ran == [2, 3]


def test_a_recipe_goes_on_from_another_ones_net(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, second = (RECIPES[name] for name in ("pcam-efficientnet-lite0", "pcam-efficientnet-lite0-128"))
    monkeypatch.setattr("training.train.load_split", lambda *a: None)
    monkeypatch.setattr("training.train.train_stage", lambda recipe, stage, model, *rest: model)
    with pytest.raises(SystemExit, match=r"run `python -m training\.train pcam-efficientnet-lite0` first"):
        train(second, tmp_path)
    trained = build_model(first, 96, 32)
    for name in (first.name, second.name):
        (tmp_path / name).mkdir(exist_ok=True)
    torch.save(trained.state_dict(), tmp_path / first.name / f"stage-{len(first.stages) - 1}-done.pt")
    made = load_file(train(second, tmp_path) / "model.safetensors")
    torch.testing.assert_close(made, dict(trained.state_dict()))


def test_averaged_weights_need_batch_norms_of_their_own(recipe: Recipe) -> None:
    stages = (dataclasses.replace(recipe.stages[0], averaged=True),)
    with pytest.raises(ValueError, match="its batch norms have to be settled"):
        dataclasses.replace(recipe, stages=stages, settled_batch_norms=False)


def test_checkpoints_are_pushed_while_training(
    client: HubOnLoopback, small_recipe: Recipe, patches: str, tmp_path: Path
) -> None:
    train(small_recipe, tmp_path / "runs", patches, push_to="someone/checkpoints")
    pushed = client.files("someone/checkpoints")
    assert {"config.json", "model.safetensors"} <= set(pushed)
    last = max(
        (tmp_path / "runs" / small_recipe.name / "stage-0").glob("checkpoint-*"), key=lambda path: path.stat().st_mtime
    )
    assert pushed["model.safetensors"] == (last / "model.safetensors").read_bytes()


def test_processes_that_train_together_share_each_batch_and_write_one_net(patches: str, tmp_path: Path) -> None:
    # What `accelerate launch` runs for several GPUs; on CPUs it wants MPI.
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "tests.training.small_recipe", str(tmp_path), patches]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    (stage,) = tmp_path.glob("*/stage-0")
    rows = list(csv.DictReader((stage / "history.csv").open(encoding="utf-8")))
    assert int(rows[-1]["step"]) == 5 * 48 // 8  # as many as alone
    first_loss = float(next(row["loss"] for row in rows if row["loss"]))
    assert first_loss < 1  # chance is 0.69; added up over both processes it would be twice that
    assert (stage.parent / "final" / "model.safetensors").is_file()
