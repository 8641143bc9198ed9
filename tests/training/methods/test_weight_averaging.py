import dataclasses
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import TrainerControl, TrainerState, TrainingArguments

from training.methods.weight_averaging import EVERY, WeightAverage
from training.recipes.nets import Recipe
from training.train import train


def _taught(average: WeightAverage, model: nn.Linear, steps: range, folder: Path) -> None:
    """Pretend to train: at step n every weight is n."""
    arguments = TrainingArguments(output_dir=str(folder), warmup_steps=EVERY, report_to="none", use_cpu=True)
    for step in steps:
        nn.init.constant_(model.weight, step)
        average.on_step_end(arguments, TrainerState(global_step=step), TrainerControl(), model=model)


def test_the_average_begins_after_the_warm_up(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    average = WeightAverage(model)
    _taught(average, model, range(1, 4 * EVERY + 1), tmp_path)
    average.copy_to(model)
    assert torch.equal(model.weight, torch.full((2, 2), 3.0 * EVERY))  # the mean of 2, 3 and 4 times EVERY


def test_a_resumed_training_goes_on_with_its_average(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    before, after = WeightAverage(model), WeightAverage(nn.Linear(2, 2))
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none", use_cpu=True)
    _taught(before, model, range(1, 2 * EVERY + 1), tmp_path)
    stopped = TrainerState(global_step=2 * EVERY)
    (tmp_path / f"checkpoint-{stopped.global_step}").mkdir()
    before.on_save(arguments, stopped, TrainerControl())
    after.on_train_begin(arguments, stopped, TrainerControl())
    _taught(after, model, range(2 * EVERY + 1, 4 * EVERY + 1), tmp_path)
    after.copy_to(model)
    assert torch.equal(model.weight, torch.full((2, 2), 3.0 * EVERY))


def test_an_averaged_stage_keeps_the_mean_and_not_the_last_weights(
    small_recipe: Recipe, patches: str, tmp_path: Path
) -> None:
    stage = dataclasses.replace(small_recipe.stages[0], epochs=EVERY + 2, averaged=True)
    recipe = dataclasses.replace(small_recipe, stages=(stage,), batch_size=48, warmup=0.0)
    train(recipe, tmp_path, patches)
    kept = torch.load(tmp_path / recipe.name / "stage-0-done.pt", weights_only=True)
    last = max((tmp_path / recipe.name / "stage-0").glob("checkpoint-*"), key=lambda file: int(file.name[11:]))
    mean = torch.load(last / "average.pt", weights_only=True)
    weight = next(name for name in kept if name.endswith("conv1.0.weight"))
    assert mean["n_averaged"] == (EVERY + 2) // EVERY
    torch.testing.assert_close(kept[weight], mean[f"module.{weight}"])
    assert not torch.allclose(kept[weight], load_file(last / "model.safetensors")[weight])
