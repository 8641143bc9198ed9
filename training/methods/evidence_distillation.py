"""Learning from a finished net's maps as well as its answers: where its evidence lies tells more than one number."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.methods.distillation import Teacher, load_teacher
from training.methods.evidence_in_lungs import evidence_of
from training.recipes.recipe import Recipe, Stage

EPSILON = 1e-3  # of squared log-odds


class EvidenceTeacher:
    """A finished net at the exported stride, which gives a strided student its maps cell by cell."""

    def __init__(self, teacher: Teacher) -> None:
        """Wrap a net whose output stride is the exported one."""
        self.teacher = teacher

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> tuple[Tensor, float]:
        """Return evidence (N, h, w), log-odds per cell without the bias, and the bias.

        Args:
            pixels: (N, 3, H, W) float32, normalised for the student.
        """
        net: Any = self.teacher.net
        head = net.get_classifier()
        evidence = evidence_of(net.forward_features(self.teacher.normalised(pixels)), head)
        return evidence, float(head.bias[1] - head.bias[0])


def evidence_teacher(recipe: Recipe, stage: Stage, runs: Path) -> EvidenceTeacher | None:
    """Return a stage's teacher at the output stride that is exported, None where the stage has none.

    Raises:
        MissingTeacherError: if the teacher has not been trained yet.
    """
    if stage.teacher is None:
        return None
    return EvidenceTeacher(load_teacher(stage.teacher, runs, recipe.preprocessing(stage.size), recipe.export_stride))


def map_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean squared difference of two maps (N, h, w), relative to the teacher's mean square."""
    return (student - teacher).square().mean() / (teacher.square().mean() + EPSILON)
