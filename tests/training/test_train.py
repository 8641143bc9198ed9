import csv
import dataclasses
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from tests.support.hub_on_loopback import HubOnLoopback
from training.data.splits import load_split
from training.measure.training_record import Start, read_record
from training.methods.torch_model import build_model, load_initial_weights
from training.methods.training_stage import collate
from training.recipes.nets import RECIPES
from training.recipes.recipe import Recipe
from training.train import (
    MissingNetError,
    Progress,
    progress_of,
    recalibrate_batch_norms,
    stage_model,
    start_of,
    train,
)


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
    with torch.device("meta"):  # shapes without weights
        wide = build_model(recipe, recipe.export_size, recipe.export_stride).state_dict()
        narrower = [build_model(recipe, stage.size, stage.output_stride).state_dict() for stage in recipe.stages]
    for narrow in narrower:
        assert {k: v.shape for k, v in narrow.items()} == {k: v.shape for k, v in wide.items()}


def test_a_batch_is_channels_last_float32() -> None:
    rows = [{"pixel_values": torch.randn(3, 8, 8).numpy(), "labels": label} for label in (0, 1)]
    batch = collate(rows)
    assert batch["pixel_values"].is_contiguous(memory_format=torch.channels_last)
    assert batch["pixel_values"].dtype == torch.float32
    assert batch["labels"].tolist() == [0, 1]


def test_recalibrated_batch_norms_have_the_statistics_of_clean_training_images(
    small_recipe: Recipe, patches: str
) -> None:
    dataset = load_split(small_recipe.source, "train", patches)
    model = build_model(small_recipe, small_recipe.export_size, small_recipe.export_stride)
    recalibrate_batch_norms(model, small_recipe, dataset)
    net = model.timm_model
    pixels = small_recipe.preprocessing()([image.convert("RGB") for image in dataset["image"]])
    with torch.no_grad():
        first = net.conv1[0](torch.from_numpy(pixels))  # (48, C, 48, 48): the input of the stem's first batch norm
    norm = net.conv1[1]
    torch.testing.assert_close(norm.running_mean, first.mean((0, 2, 3)), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(norm.running_var, first.var((0, 2, 3)), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "init", "expected"),
    [
        ("pcam-resnet18", None, Start("random weights")),
        ("pcam-resnet18", "trunk.safetensors", Start("pretrained trunk", "trunk.safetensors")),
        ("pcam-teacher-96", None, Start("pretrained trunk", "timm/tf_efficientnet_lite0.in1k")),
        ("pcam-teacher-96", "trunk.safetensors", Start("pretrained trunk", "trunk.safetensors")),
        ("pcam-teacher-128", None, Start("trained net", "pcam-teacher-96")),
    ],
)
def test_a_recipe_starts_from_the_weights_it_names(name: str, init: str | None, expected: Start) -> None:
    assert start_of(RECIPES[name], init) == expected


def test_the_first_stage_starts_from_the_trunk(recipe: Recipe, tmp_path: Path) -> None:
    trunk = timm.create_model("resnet10t", num_classes=1000)
    save_file(trunk.state_dict(), tmp_path / "trunk.safetensors")
    start = start_of(recipe, str(tmp_path / "trunk.safetensors"))
    model = stage_model(recipe, recipe.stages[0], None, start)
    torch.testing.assert_close(model.timm_model.layer1[0].conv1.weight, trunk.layer1[0].conv1.weight)


def test_a_recipe_that_goes_on_needs_the_trained_net(tmp_path: Path) -> None:
    first, second = (RECIPES[name] for name in ("pcam-teacher-96", "pcam-teacher-128"))
    with pytest.raises(MissingNetError, match=r"run `python -m training train pcam-teacher-96` first"):
        progress_of(second, tmp_path)
    checkpoint = tmp_path / first.name / f"stage-{len(first.stages) - 1}-done.pt"
    checkpoint.parent.mkdir()
    checkpoint.touch()
    assert progress_of(second, tmp_path) == Progress(0, checkpoint)


def test_training_goes_on_after_the_last_finished_stage(small_recipe: Recipe, patches: str, tmp_path: Path) -> None:
    strong = "histopathology-strong"
    last = dataclasses.replace(small_recipe.stages[0], epochs=1, learning_rate=0.0, augmentation=strong)
    recipe = dataclasses.replace(small_recipe, stages=(*small_recipe.stages, last))
    finished = build_model(recipe, 64, 32).state_dict()
    (tmp_path / recipe.name).mkdir()
    torch.save(finished, tmp_path / recipe.name / "stage-0-done.pt")
    made = load_file(train(recipe, tmp_path, patches) / "model.safetensors")
    assert not (tmp_path / recipe.name / "stage-0").exists() and (tmp_path / recipe.name / "stage-1").is_dir()
    for name, value in finished.items():  # a learning rate of 0 keeps the weights of the checkpoint
        if name.endswith("conv1.weight"):
            torch.testing.assert_close(made[name], value)
    record = read_record(tmp_path / recipe.name / "final")
    assert [stage.augmentation for stage in record.stages] == [strong]  # the checkpoint came without a record


def test_a_net_can_start_as_another_recipes_trained_net(small_recipe: Recipe, patches: str, tmp_path: Path) -> None:
    teacher = RECIPES["pcam-teacher-96"]
    only = dataclasses.replace(small_recipe.stages[0], epochs=1, learning_rate=0.0)
    recipe = dataclasses.replace(small_recipe, name="second", stages=(only,), initial_weights_from=teacher.name)
    trained = build_model(recipe, 64, 32).state_dict()
    (tmp_path / teacher.name).mkdir()
    torch.save(trained, tmp_path / teacher.name / f"stage-{len(teacher.stages) - 1}-done.pt")
    folder = train(recipe, tmp_path, patches)
    made = load_file(folder / "model.safetensors")
    torch.testing.assert_close(made["timm_model.layer1.0.conv1.weight"], trained["timm_model.layer1.0.conv1.weight"])
    assert read_record(folder).started_from == Start("trained net", teacher.name)


def test_the_record_of_a_net_that_goes_on_has_the_stages_before(
    small_recipe: Recipe, patches: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = dataclasses.replace(small_recipe.stages[0], epochs=1)
    first = dataclasses.replace(small_recipe, stages=(only,))
    monkeypatch.setitem(RECIPES, first.name, first)
    before = read_record(train(first, tmp_path, patches))
    augmentation = "histopathology-strong"
    last = dataclasses.replace(only, augmentation=augmentation)
    second = dataclasses.replace(first, name="second", stages=(last,), initial_weights_from=first.name)
    record = read_record(train(second, tmp_path, patches))
    assert (record.model, record.started_from) == ("second", Start("random weights"))
    assert [stage.augmentation for stage in record.stages] == ["histopathology", augmentation]
    assert record.stages[0] == before.stages[0]
    assert record.notes == (f"The first stage made `{first.name}`, with 8 images a step.",)


def test_the_record_tells_how_the_net_was_trained(small_recipe: Recipe, patches: str, tmp_path: Path) -> None:
    averaged = dataclasses.replace(small_recipe.stages[0], epochs=1, weight_averaging=True)
    recipe = dataclasses.replace(small_recipe, stages=(small_recipe.stages[0], averaged))
    record = read_record(train(recipe, tmp_path, patches))
    assert (record.train_images, record.validation_images, record.seed) == (48, 40, recipe.seed)
    assert record.started_from == Start("random weights") and record.recalibrated_batch_norms
    assert [(stage.schedule, stage.averaged, stage.images_seen) for stage in record.stages] == [
        ("cosine", False, 2 * 48),
        ("constant", True, 48),
    ]
    assert all(stage.versions["torch"] == version("torch") for stage in record.stages)
    assert record.stages[0].finished <= record.stages[1].finished


def test_averaged_weights_need_batch_norms_of_their_own(recipe: Recipe) -> None:
    stages = (dataclasses.replace(recipe.stages[0], weight_averaging=True),)
    with pytest.raises(ValueError, match="whose batch-norm statistics are unknown"):
        dataclasses.replace(recipe, stages=stages, recalibrated_batch_norm=False)


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
    command = [*launcher, "-m", "tests.training.train_averaged", str(tmp_path), patches]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    (stage,) = tmp_path.glob("*/stage-0")
    rows = list(csv.DictReader((stage / "history.csv").open(encoding="utf-8")))
    assert int(rows[-1]["step"]) == 5 * 48 // 8  # as many as alone
    first_loss = float(next(row["loss"] for row in rows if row["loss"]))
    assert first_loss < 1  # chance is 0.69; added up over both processes it would be twice that
    assert (stage.parent / "final" / "model.safetensors").is_file()
