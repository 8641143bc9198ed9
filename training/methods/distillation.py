"""Knowledge distillation (Hinton et al. 2015): part of the loss compares with a teacher's softened probabilities."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax, mse_loss
from transformers import TimmWrapperForImageClassification, Trainer

from overread.errors import OverreadError
from overread.preprocessing import Preprocessing
from training.methods.heatmap_in_graph import log_odds

SOFT_LABELS = "soft_labels"  # a column of the training images: log-odds
TWICE = "twice"  # how many of a batch's first images are its last ones, resized by another filter


class MissingTeacherError(OverreadError):
    """The net that a stage distils has not been trained yet."""


class Teacher:
    """A finished net that takes pixels normalised for the student."""

    def __init__(self, net: torch.nn.Module, own: Preprocessing, student: Preprocessing) -> None:
        """Combine a timm net with its own normalisation and the student's; the input size is the student's."""
        self.net = net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        mean, std, own_mean, own_std = (
            torch.tensor(values).view(1, 3, 1, 1) for values in (student.mean, student.std, own.mean, own.std)
        )
        self.scale, self.shift = std / own_std, (mean - own_mean) / own_std

    @torch.no_grad()
    def __call__(self, pixel_values: Tensor) -> Tensor:
        """Return logits (N, 2) float32 for pixels (N, 3, H, W) float32 normalised for the student."""
        with torch.autocast(pixel_values.device.type, enabled=False):
            return self.net.to(pixel_values.device)(self.normalised(pixel_values))

    def normalised(self, pixel_values: Tensor) -> Tensor:
        """Return pixels normalised for the student as the teacher wants them."""
        return pixel_values * self.scale.to(pixel_values) + self.shift.to(pixel_values)


def load_teacher(name: str, runs: Path, student: Preprocessing, output_stride: int = 32) -> Teacher:
    """Return the trained net of another recipe; at output stride 32 it is fastest.

    Raises:
        MissingTeacherError: if that recipe has not been trained yet.
    """
    folder = runs / name / "final"
    if not folder.is_dir():
        raise MissingTeacherError(
            f"The teacher {name} is not trained yet: run `python -m training train {name}` first."
        )
    wrapper = TimmWrapperForImageClassification.from_pretrained(folder, model_args={"output_stride": output_stride})
    return Teacher(wrapper.timm_model, Preprocessing.from_pretrained_cfg(wrapper.config.pretrained_cfg), student)


class DistillingTrainer(Trainer):
    """A ``Trainer`` whose training loss compares with a teacher; a plain one without.

    The teacher is a net that sees the same augmented images, or log-odds among the inputs, named ``SOFT_LABELS``.
    Images that are seen twice, see ``TWICE``, add the squared difference of their log-odds.
    """

    def __init__(
        self,
        *args: Any,
        teacher: Teacher | None = None,
        teacher_share: float = 0.0,
        temperature: float = 1.0,
        consistency: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Make a ``Trainer``, whose arguments are passed on.

        Args:
            args: of ``Trainer``.
            teacher: the net to learn from.
            teacher_share: the teacher's share of the loss; the labels have the rest.
            temperature: divides both nets' logits.
            consistency: weight of the squared difference of two answers for one image.
            kwargs: of ``Trainer``.
        """
        super().__init__(*args, **kwargs)
        self.teacher, self.teacher_share, self.temperature = teacher, teacher_share, temperature
        self.consistency = consistency

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss, and with ``return_outputs`` the outputs too; evaluation uses the labels only."""
        wanted_log_odds, twice = inputs.pop(SOFT_LABELS, None), inputs.pop(TWICE, None)
        loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
        if model.training and (self.teacher or wanted_log_odds is not None):
            if self.teacher:
                wanted = self.teacher(inputs["pixel_values"])
            else:
                wanted = torch.stack([-wanted_log_odds, wanted_log_odds], 1) / 2
            student = log_softmax(outputs["logits"].float() / self.temperature, 1)
            teacher = log_softmax(wanted / self.temperature, 1)
            soft = kl_div(student, teacher, reduction="batchmean", log_target=True) * self.temperature**2
            loss = (1 - self.teacher_share) * loss + self.teacher_share * soft
        if model.training and twice:
            answers = log_odds(outputs["logits"].float())
            loss = loss + self.consistency * mse_loss(answers[:twice], answers[-twice:])
        return (loss, outputs) if return_outputs else loss
