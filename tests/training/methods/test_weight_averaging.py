import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import TrainerControl, TrainerState, TrainingArguments

from training.methods.weight_averaging import WeightAverage, mean_of_checkpoints
from training.recipes.recipe import Recipe
from training.train import train

INTERVAL = 5  # steps


def _train(average: WeightAverage, model: nn.Linear, steps: range, folder: Path) -> None:
    """Pretend to train: at step n every weight is n."""
    arguments = TrainingArguments(output_dir=str(folder), warmup_steps=INTERVAL, report_to="none", use_cpu=True)
    for step in steps:
        nn.init.constant_(model.weight, step)
        average.on_step_end(arguments, TrainerState(global_step=step), TrainerControl(), model=model)


def test_averaging_begins_after_the_warm_up(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    average = WeightAverage(model, INTERVAL)
    _train(average, model, range(1, 4 * INTERVAL + 1), tmp_path)
    average.copy_to(model)
    assert torch.equal(model.weight, torch.full((2, 2), 3.0 * INTERVAL))  # the mean of 2, 3 and 4 intervals


def test_a_resumed_training_continues_its_average(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    before, after = WeightAverage(model, INTERVAL), WeightAverage(nn.Linear(2, 2), INTERVAL)
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none", use_cpu=True)
    _train(before, model, range(1, 2 * INTERVAL + 1), tmp_path)
    stopped = TrainerState(global_step=2 * INTERVAL)
    (tmp_path / f"checkpoint-{stopped.global_step}").mkdir()
    before.on_save(arguments, stopped, TrainerControl())
    after.on_train_begin(arguments, stopped, TrainerControl())
    _train(after, model, range(2 * INTERVAL + 1, 4 * INTERVAL + 1), tmp_path)
    after.copy_to(model)
    assert torch.equal(model.weight, torch.full((2, 2), 3.0 * INTERVAL))


def test_a_stage_with_weight_averaging_ends_with_the_mean_of_the_weights(
    small_recipe: Recipe, patches: str, tmp_path: Path
) -> None:
    stage = dataclasses.replace(
        small_recipe.stages[0], epochs=INTERVAL + 2, weight_averaging=True, averaging_interval=INTERVAL
    )
    recipe = dataclasses.replace(small_recipe, stages=(stage,), batch_size=48, warmup=0.0)
    train(recipe, tmp_path, patches)
    kept = torch.load(tmp_path / recipe.name / "stage-0-done.pt", weights_only=True)
    last = max((tmp_path / recipe.name / "stage-0").glob("checkpoint-*"), key=lambda file: int(file.name[11:]))
    mean = torch.load(last / "average.pt", weights_only=True)
    weight = next(name for name in kept if name.endswith("conv1.0.weight"))
    assert mean["n_averaged"] == (INTERVAL + 2) // INTERVAL
    torch.testing.assert_close(kept[weight], mean[f"module.{weight}"])
    assert not torch.allclose(kept[weight], load_file(last / "model.safetensors")[weight])


def test_the_mean_of_the_last_checkpoints_runs_over_stages(tmp_path: Path) -> None:
    for stage, step, value in ((0, 9, 100.0), (0, 10, 1.0), (1, 2, 4.0)):  # step 10 comes after 9
        folder = tmp_path / f"stage-{stage}" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        state = {"weight": torch.full((2,), value), "batches": torch.tensor(int(value))}
        save_file(state, folder / "model.safetensors")
    mean = mean_of_checkpoints(tmp_path, 2)
    assert mean["weight"].tolist() == [2.5, 2.5] and mean["batches"] == 4
    with pytest.raises(ValueError, match="holds 3 checkpoints, not 4"):
        mean_of_checkpoints(tmp_path, 4)
