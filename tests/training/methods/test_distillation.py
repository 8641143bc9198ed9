from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from transformers import TrainingArguments

from overread.preprocessing import Preprocessing
from training.methods.distillation import DistillingTrainer, MissingTeacherError, Teacher, load_teacher

TEACHER_SHARE, TEMPERATURE = 0.6, 3.0
STUDENT = Preprocessing(8, 8, "bicubic", (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
TEACHER = Preprocessing(8, 8, "bicubic", (0.2, 0.3, 0.4), (0.5, 0.6, 0.7))


class Colours(nn.Module):
    """Mean red and blue as two logits."""

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return pixel_values.mean((2, 3))[:, [0, 2]]


class Student(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, pixel_values: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        return {"logits": self.linear(pixel_values.mean((2, 3)))}


def test_the_teacher_gets_pixels_in_its_own_normalisation() -> None:
    colours = np.random.default_rng(0).random((4, 3, 8, 8)).astype(np.float32)  # 0..1
    mean, std = (np.array(v, np.float32).reshape(1, 3, 1, 1) for v in (TEACHER.mean, TEACHER.std))
    expected = ((colours - mean) / std).mean((2, 3))[:, [0, 2]]
    seen = Teacher(Colours(), TEACHER, STUDENT)(torch.from_numpy((colours - 0.5) / 0.25))
    np.testing.assert_allclose(seen.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_teacher_is_part_of_the_training_loss_only(
    training: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    torch.manual_seed(0)
    student = Student().train(training)
    trainer = DistillingTrainer(
        model=student,
        args=TrainingArguments(str(tmp_path_factory.mktemp("runs")), use_cpu=True, report_to="none"),
        compute_loss_func=lambda outputs, labels, num_items_in_batch=None: nn.functional.cross_entropy(
            outputs["logits"], labels
        ),
        teacher=Teacher(Colours(), TEACHER, STUDENT),
        teacher_share=TEACHER_SHARE,
        temperature=TEMPERATURE,
    )
    pixels, labels = torch.randn(6, 3, 8, 8), torch.tensor([0, 1, 1, 0, 1, 0])
    loss = trainer.compute_loss(student, {"pixel_values": pixels, "labels": labels.clone()})

    logits = student(pixels)["logits"]
    hard = nn.functional.cross_entropy(logits, labels)
    wanted = (Teacher(Colours(), TEACHER, STUDENT)(pixels) / TEMPERATURE).softmax(1)
    given = (logits / TEMPERATURE).softmax(1)
    soft = (wanted * (wanted / given).log()).sum(1).mean() * TEMPERATURE**2  # Hinton et al. 2015, section 2
    expected = (1 - TEACHER_SHARE) * hard + TEACHER_SHARE * soft if training else hard
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_an_untrained_teacher_is_named_with_the_command_that_trains_it(tmp_path: Path) -> None:
    with pytest.raises(MissingTeacherError, match=r"run `python -m training train pcam-efficientnet-lite0` first"):
        load_teacher("pcam-efficientnet-lite0", tmp_path, STUDENT)
