"""Stochastic weight averaging (Izmailov et al. 2018): the mean of the weights along a run at constant learning rate.

The mean lies in a flatter region than the last weights, which helps on images unlike the training set (Cha et al. 2021,
SWAD, average every step for that reason). So does the mean of a few checkpoints of one run.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from torch.optim.swa_utils import AveragedModel
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from transformers.utils import SAFE_WEIGHTS_NAME

AVERAGE_FILE = "average.pt"  # in the checkpoint's folder


class WeightAverage(TrainerCallback):
    """Averages a model's weights from the end of the warm-up on; saved with every checkpoint and resumed from it."""

    def __init__(self, model: nn.Module, interval: int) -> None:
        """Prepare an empty average.

        Args:
            model: about to be trained.
            interval: steps between two sets of weights that count.
        """
        self.average = AveragedModel(model)
        self.interval = interval

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Load the average of the checkpoint that training resumes from."""
        if state.global_step:
            self.average.load_state_dict(torch.load(_file(args, state), weights_only=True))

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Add the weights of this step, where the interval says so."""
        if state.global_step > args.get_warmup_steps(state.max_steps) and state.global_step % self.interval == 0:
            self.average.update_parameters(kwargs["model"])

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Save the average in the checkpoint; all processes that train together have the same."""
        if state.is_world_process_zero:
            torch.save(self.average.state_dict(), _file(args, state))

    def copy_to(self, model: nn.Module) -> None:
        """Copy the average into a model, see ``copy_average``."""
        copy_average(self.average, model)


def copy_average(average: AveragedModel, model: nn.Module) -> None:
    """Copy averaged weights into a model; batch-norm statistics stay and have to be recalibrated."""
    with torch.no_grad():
        for weight, mean in zip(model.parameters(), average.module.parameters(), strict=True):
            weight.copy_(mean)


def mean_of_checkpoints(folder: Path, number: int) -> dict[str, torch.Tensor]:
    """Return the mean of a training's last checkpoints, batch-norm statistics included: near ones share a valley.

    Args:
        folder: of a recipe's training, with a folder for each stage.
        number: of checkpoints, from the last one back, over stages.

    Raises:
        ValueError: if there are fewer.
    """
    found = sorted(folder.glob(f"stage-*/{PREFIX_CHECKPOINT_DIR}-*"), key=_stage_and_step)[-number:]
    if len(found) < number:
        raise ValueError(f"{folder} holds {len(found)} checkpoints, not {number}: train the last stages again.")
    states = [load_file(checkpoint / SAFE_WEIGHTS_NAME) for checkpoint in found]
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if value.is_floating_point() else value
        for name, value in states[-1].items()
    }


def _stage_and_step(checkpoint: Path) -> tuple[int, int]:
    return int(checkpoint.parent.name.split("-")[-1]), int(checkpoint.name.split("-")[-1])


def _file(args: TrainingArguments, state: TrainerState) -> Path:
    return Path(args.output_dir or "") / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}" / AVERAGE_FILE
