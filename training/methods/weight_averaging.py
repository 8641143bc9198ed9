"""Stochastic weight averaging (Izmailov et al. 2018): the mean of the weights along a training at a constant rate.

The mean lies in the middle of a flat region, where a net is as good on pictures unlike those it learned from as it can
be there (Cha et al. 2021, SWAD, average every step for that reason).
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

FILE = "average.pt"  # beside a checkpoint's weights
EVERY = 5  # steps from one set of weights that counts to the next: neighbours hardly differ


class WeightAverage(TrainerCallback):
    """Keeps the mean of a model's weights over a training, from the end of the warm-up on; a resumed one goes on."""

    def __init__(self, model: nn.Module) -> None:
        """Begin with nothing for a model that is about to be trained."""
        self.average = AveragedModel(model)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take up the mean that was kept with the checkpoint from which training goes on."""
        if state.global_step:
            self.average.load_state_dict(torch.load(_file(args, state), weights_only=True))

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Count the weights of this step."""
        if state.global_step > args.get_warmup_steps(state.max_steps) and state.global_step % EVERY == 0:
            self.average.update_parameters(kwargs["model"])

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Keep the mean with the checkpoint; processes that train together have the same."""
        if state.is_world_process_zero:
            torch.save(self.average.state_dict(), _file(args, state))

    def copy_to(self, model: nn.Module) -> None:
        """Give a model the mean weights; its batch norms' statistics stay, and are to be estimated anew."""
        with torch.no_grad():
            for own, mean in zip(model.parameters(), self.average.module.parameters(), strict=True):
                own.copy_(mean)


def _file(args: TrainingArguments, state: TrainerState) -> Path:
    return Path(args.output_dir or "") / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}" / FILE
