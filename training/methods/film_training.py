"""A stage on the films of two hospitals: labels, evidence in the lungs, mosaics, and one answer however processed.

``recipes/nets.py`` says what each part weighs (``Films``). Transformers' ``Trainer`` is not used, since a batch's
arrangement decides which parts of its maps answer for which label.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss
from torch.optim.swa_utils import AveragedModel
from transformers import TimmWrapperForImageClassification

from training.methods.evidence_distillation import EvidenceTeacher, map_distance
from training.methods.evidence_in_lungs import dilate, evidence_of, lungs_on_cells, share_outside
from training.methods.film_batches import FilmBatch, FilmBatches
from training.methods.film_mosaics import join_halves, mean_of_halves
from training.methods.mosaic_training import cut, stitch
from training.methods.shift_and_stitch import RandomStrideOffsets
from training.methods.torch_model import build_model
from training.methods.training_stage import FinishedStage
from training.methods.weight_averaging import copy_average
from training.recipes.recipe import Films, Recipe, Stage

CHECKPOINT_FILE, LOG_FILE = "checkpoint.pt", "log.csv"
CHECKPOINT_STEPS = 20  # at most so many are lost when a training is interrupted


@dataclass(frozen=True)
class Answers:
    """What a net says about a batch: ``parts`` is 2 where each half of a mosaic answers, else 1."""

    log_odds: Tensor  # (N, parts)
    targets: Tensor  # (N, parts)
    evidence: Tensor  # (N, h, w) log-odds per cell, without the bias
    inside: Tensor  # (N, h, w) share of each cell in the lungs
    teacher_log_odds: Tensor | None = None  # (N, parts)
    teacher_evidence: Tensor | None = None  # (N, h, w)


class FilmNet:
    """A net with what its training needs: random stride offsets, frozen modules and perhaps a teacher."""

    def __init__(
        self,
        recipe: Recipe,
        stage: Stage,
        settings: Films,
        model: TimmWrapperForImageClassification,
        teacher: EvidenceTeacher | None = None,
    ) -> None:
        """Change ``model`` in place: frozen modules get no gradient and keep their batch-norm statistics."""
        self.net: Any = model.timm_model
        dilated = build_model(recipe, stage.size, recipe.export_stride).timm_model
        self.offsets = RandomStrideOffsets(self.net, dilated)
        self.stride, self.step = recipe.export_stride, stage.output_stride // recipe.export_stride
        self.settings, self.teacher, self.bfloat16 = settings, teacher, recipe.bfloat16
        model.train()
        for name in settings.frozen:
            self.net.get_submodule(name).requires_grad_(False).eval()

    def answers(self, batch: FilmBatch) -> Answers:
        """Return the net's answers on a batch, plain or, at random, as mosaics of halves or of whole films."""
        chance = float(torch.rand(()))
        pixels, lungs, targets = batch.pixels, batch.lungs, batch.targets[:, None]
        halves = chance < self.settings.half_mosaics
        quarters = not halves and chance < self.settings.half_mosaics + self.settings.quarter_mosaics
        if halves:
            order = _order(len(pixels), batch.twice)
            pixels, lungs = join_halves(pixels, order), join_halves(lungs, order)
            targets = torch.cat([targets, targets[order]], 1)
        self.offsets.offsets.clear()  # drawn anew at the first strided convolution
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=self.bfloat16):
            features = self.net.forward_features(stitch(pixels) if quarters else pixels).float()
        features = cut(features) if quarters else features
        offset = next(iter(self.offsets.offsets.values()), (0, 0))
        head = self.net.get_classifier()
        evidence = evidence_of(features, head)

        def pooled(values: Tensor) -> Tensor:
            return mean_of_halves(values, self.step, offset[1]) if halves else values.mean((1, 2))[:, None]

        size = evidence.shape[1], evidence.shape[2]
        inside = lungs_on_cells(dilate(lungs, self.settings.dilation), size, self.stride, self.step, offset)
        answers = Answers(pooled(evidence) + head.bias[1] - head.bias[0], targets, evidence, inside)
        if self.teacher is None:
            return answers
        whole, bias = self.teacher(pixels)
        theirs = whole[:, offset[0] :: self.step, offset[1] :: self.step][:, : size[0], : size[1]]
        return replace(answers, teacher_log_odds=pooled(theirs) + bias, teacher_evidence=theirs)


def _order(number: int, twice: bool) -> Tensor:
    if not twice:
        return torch.randperm(number)
    order = torch.randperm(number // 2)
    return torch.cat([order, order + number // 2])  # both halves of the batch show the same mosaics


def losses(answers: Answers, stage: Stage, settings: Films, twice: bool) -> dict[str, Tensor]:
    """Return the weighted parts of the loss by name.

    They are label, outside and logit; consistency for films seen twice; map where there is a teacher, whose
    probabilities then are part of the targets.
    """
    targets = answers.targets
    if answers.teacher_log_odds is not None:
        targets = (1 - stage.teacher_share) * targets + stage.teacher_share * answers.teacher_log_odds.sigmoid()
    found = {
        "label": binary_cross_entropy_with_logits(answers.log_odds, targets),
        "outside": settings.outside_weight * share_outside(answers.evidence, answers.inside).mean(),
        "logit": settings.logit_penalty * answers.log_odds.square().mean(),
    }
    if twice:
        first, second = answers.log_odds.chunk(2)
        found["consistency"] = settings.consistency * mse_loss(first, second)
    if answers.teacher_evidence is not None:
        found["map"] = settings.teacher_map * map_distance(answers.evidence, answers.teacher_evidence)
    return found


def train_on_films(
    recipe: Recipe,
    stage: Stage,
    model: TimmWrapperForImageClassification,
    batches: FilmBatches,
    folder: Path,
    teacher: EvidenceTeacher | None = None,
) -> FinishedStage:
    """Return the model with the mean of its weights over the last part of a stage; goes on from a checkpoint.

    Args:
        recipe: of the net; its batch size, weight decay and warm-up hold.
        stage: with ``films``.
        model: changed in place; its batch norms have to be recalibrated.
        batches: of training films.
        folder: of the stage, for ``checkpoint.pt`` and ``log.csv``.
        teacher: a finished net whose answers and maps count too.

    Raises:
        ValueError: if the stage has no ``films``.
    """
    settings = stage.films
    if settings is None:
        raise ValueError("the stage says nothing of films")
    steps = max(1, round(stage.epochs * len(batches) / recipe.batch_size))
    average = AveragedModel(model)
    film_net = FilmNet(recipe, stage, settings, model.to(memory_format=torch.channels_last), teacher)  # type: ignore[call-arg]
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learned, stage.learning_rate, weight_decay=recipe.weight_decay)
    warm_up = max(1, round(recipe.warmup * steps))
    run = _Run(model, optimizer, average, folder)
    for step in range(run.resume(), steps):
        for group in optimizer.param_groups:
            group["lr"] = stage.learning_rate * min(1.0, (step + 1) / warm_up)
        twice = float(torch.rand(())) < settings.twice
        answers = film_net.answers(batches.draw(recipe.batch_size, twice))
        parts = losses(answers, stage, settings, twice)
        loss = torch.stack(list(parts.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        if step == steps - 1 or (step >= (1 - settings.averaged) * steps and step % stage.averaging_interval == 0):
            average.update_parameters(model)
        run.note(step, parts)
        if (step + 1) % CHECKPOINT_STEPS == 0:
            run.save(step + 1)
    copy_average(average, model)
    return FinishedStage(model, steps * recipe.batch_size)


class _Run:
    """The checkpoint and the log of a stage."""

    def __init__(self, model: Any, optimizer: torch.optim.Optimizer, average: AveragedModel, folder: Path) -> None:
        self.parts = {"model": model, "optimizer": optimizer, "average": average}
        self.checkpoint, self.log = folder / CHECKPOINT_FILE, folder / LOG_FILE
        folder.mkdir(parents=True, exist_ok=True)

    def resume(self) -> int:
        """Return the step to go on with: 0, or that of the checkpoint, which is loaded."""
        if not self.checkpoint.exists():
            return 0
        state = torch.load(self.checkpoint, weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        torch.set_rng_state(state["random"])
        return int(state["step"])

    def save(self, step: int) -> None:
        """Write the checkpoint; an interruption leaves the one before."""
        state = {name: part.state_dict() for name, part in self.parts.items()}
        half = self.checkpoint.with_suffix(".part")
        torch.save(state | {"step": step, "random": torch.get_rng_state()}, half)
        half.replace(self.checkpoint)

    def note(self, step: int, parts: dict[str, Tensor]) -> None:
        """Append the parts of one step's loss to ``log.csv``."""
        with self.log.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(_rows(step, parts))


def _rows(step: int, parts: dict[str, Tensor]) -> Iterator[tuple[int, str, str]]:
    for name, value in parts.items():
        yield step, name, f"{float(value.detach()):.5f}"
