"""Knowledge distillation (Hinton et al. 2015): a student learns a teacher's probabilities beside the labels."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax
from transformers import TimmWrapperForImageClassification, Trainer

from overread.preprocessing import Preprocessing

TEMPERATURE = 2.0
TEACHER_SHARE = 0.7  # of the loss; the labels have the rest


class Teacher:
    """A finished net that reads the student's pixels, whatever its own normalisation is."""

    def __init__(self, net: torch.nn.Module, own: Preprocessing, student: Preprocessing) -> None:
        """Take the teacher's timm net and the preprocessing of both; sizes are the student's."""
        self.net = net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        mean, std, own_mean, own_std = (
            torch.tensor(values).view(1, 3, 1, 1) for values in (student.mean, student.std, own.mean, own.std)
        )
        self.scale, self.shift = std / own_std, (mean - own_mean) / own_std

    @torch.no_grad()
    def __call__(self, pixel_values: Tensor) -> Tensor:
        """Return logits (N, 2) float32 for pixels (N, 3, H, W) float32 normalised for the student."""
        with torch.autocast(pixel_values.device.type, enabled=False):
            return self.net.to(pixel_values.device)(
                pixel_values * self.scale.to(pixel_values) + self.shift.to(pixel_values)
            )


def load_teacher(name: str, runs: Path, student: Preprocessing) -> Teacher:
    """Return the finished net of another recipe at stride 32, the cheapest one.

    Raises:
        SystemExit: if that recipe has not been trained yet.
    """
    folder = runs / name / "final"
    if not folder.is_dir():
        raise SystemExit(f"The teacher {name} is not there yet: run `python -m training.train {name}` first.")
    wrapper = TimmWrapperForImageClassification.from_pretrained(folder, model_args={"output_stride": 32})
    return Teacher(wrapper.timm_model, Preprocessing.from_pretrained_cfg(wrapper.config.pretrained_cfg), student)


class DistillingTrainer(Trainer):
    """A ``Trainer`` that adds a teacher's soft labels, on the very views the student sees, to the loss."""

    def __init__(self, *args: Any, teacher: Teacher | None = None, **kwargs: Any) -> None:
        """Take what ``Trainer`` takes, and a teacher; without one this is a plain ``Trainer``."""
        super().__init__(*args, **kwargs)
        self.teacher = teacher

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss, and with ``return_outputs`` the outputs too; evaluation is on the labels alone."""
        loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
        if self.teacher and model.training:
            student = log_softmax(outputs["logits"].float() / TEMPERATURE, 1)
            teacher = log_softmax(self.teacher(inputs["pixel_values"]) / TEMPERATURE, 1)
            soft = kl_div(student, teacher, reduction="batchmean", log_target=True) * TEMPERATURE**2
            loss = (1 - TEACHER_SHARE) * loss + TEACHER_SHARE * soft
        return (loss, outputs) if return_outputs else loss
