"""Trains one net: python -m training train pcam-resnet18 [--data FOLDER] [--init HUB_ID_OR_FILE]

Each stage of the recipe writes a checkpoint every epoch into ``runs/<name>/stage-<n>/`` and goes on from the last one
when the command is given again. The trained net is in ``runs/<name>/final/`` as a transformers folder, with
``training.json``, the record of its training; ``python -m training export`` takes it from there.

``accelerate launch -m training train NAME`` shares each batch of the recipe among the machine's GPUs.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from datasets import Dataset
from torch.optim.swa_utils import update_bn
from torch.utils.data import DataLoader
from transformers import TimmWrapperForImageClassification

from overread.errors import OverreadError
from training.data.splits import load_split
from training.measure.training_record import (
    TRAINING_FILE,
    Start,
    begin,
    going_on_from,
    read_record,
    with_stage,
    write_record,
)
from training.methods.cpu_allocator import keep_freed_memory
from training.methods.evidence_distillation import evidence_teacher
from training.methods.film_batches import films_as_drawn, licences, load_film_batches
from training.methods.film_training import train_on_films
from training.methods.mosaic_training import train_on_mosaics
from training.methods.shift_and_stitch import RandomStrideOffsets
from training.methods.torch_model import build_model, load_initial_weights
from training.methods.training_stage import as_tensors, collate, numbered, processes, train_stage, unchanged
from training.methods.weight_averaging import mean_of_checkpoints
from training.recipes.nets import RECIPES
from training.recipes.recipe import Recipe, Stage


class MissingNetError(OverreadError):
    """A net that the training starts from has not been trained yet."""


@dataclass(frozen=True)
class Progress:
    """How far a training has come: finished stages, and the checkpoint to go on from, where there is one."""

    finished: int
    checkpoint: Path | None


def progress_of(recipe: Recipe, runs: Path, recipes: Mapping[str, Recipe] = RECIPES) -> Progress:
    """Return how far a recipe's training has come in ``runs``.

    Args:
        recipe: what is trained.
        runs: where checkpoints are.
        recipes: where the recipe that this one goes on from is looked up.

    Raises:
        MissingNetError: if no stage is finished and the net that it goes on from has not been trained.
    """
    done = [_checkpoint(runs, recipe.name, number) for number in range(len(recipe.stages))]
    finished = max((number for number, file in enumerate(done, 1) if file.exists()), default=0)
    if finished:
        return Progress(finished, done[finished - 1])
    if recipe.initial_weights_from is None:
        return Progress(0, None)
    last = _checkpoint(runs, recipe.initial_weights_from, len(recipes[recipe.initial_weights_from].stages) - 1)
    if not last.exists():
        raise MissingNetError(
            f"{recipe.name} goes on from {recipe.initial_weights_from}, which is not trained yet: run "
            f"`python -m training train {recipe.initial_weights_from}` first."
        )
    return Progress(0, last)


def start_of(recipe: Recipe, init: str | None = None) -> Start:
    """Return the weights that a recipe's first stage starts from.

    Args:
        recipe: what is trained.
        init: a trunk in place of the recipe's own, see ``load_initial_weights``.
    """
    if recipe.initial_weights_from:
        return Start("trained net", recipe.initial_weights_from)
    trunk = init or recipe.pretrained
    return Start("pretrained trunk", trunk) if trunk else Start("random weights")


def train(
    recipe: Recipe, runs: Path, data: str | None = None, init: str | None = None, push_to: str | None = None
) -> Path:
    """Return the folder of the trained net, ``runs/<name>/final``, in transformers' format at the exported stride.

    Args:
        recipe: what to train.
        runs: where checkpoints go.
        data: a local folder in the data set's schema (default: the Hub).
        init: a trunk to start from, see ``load_initial_weights`` (default: the recipe's, if it names one).
        push_to: a Hub repository, ``user/name``, that gets the checkpoint of every epoch.

    Raises:
        MissingNetError: if the recipe goes on from a net that has not been trained.
    """
    work = runs / recipe.name
    progress, start = progress_of(recipe, runs), start_of(recipe, init)
    train_split, validation_split = (load_split(recipe.source, split, data) for split in ("train", "validation"))
    record = begin(recipe, start, len(train_split), len(validation_split))
    before = runs / recipe.initial_weights_from / "final" if recipe.initial_weights_from else None
    if progress.finished and (work / TRAINING_FILE).exists():
        record = read_record(work)
    elif before and (before / TRAINING_FILE).exists():
        record = going_on_from(read_record(before), record)
    torch.manual_seed(recipe.seed)
    state = torch.load(progress.checkpoint, weights_only=True) if progress.checkpoint else None
    for number, stage in enumerate(recipe.stages[progress.finished :], progress.finished):
        model = stage_model(recipe, stage, state, start)
        folder = work / f"stage-{number}"
        if stage.films:
            films = load_film_batches(recipe, stage, stage.films, runs, data)
            notes = (*record.notes, films.note(number + 1), licences(recipe.source))
            record = replace(record, notes=tuple(dict.fromkeys(notes)))  # licences once
            trained = train_on_films(recipe, stage, model, films, folder, evidence_teacher(recipe, stage, runs))
        else:
            trained = train_stage(recipe, stage, model, train_split, validation_split, folder, push_to)
        state = trained.model.state_dict()
        record = with_stage(record, stage, trained.images_seen)
        if processes().is_main_process:
            torch.save(state, _checkpoint(runs, recipe.name, number))
            write_record(record, work)
    final = work / "final"
    if processes().is_main_process:  # all have the same weights: one of them writes
        exported = build_model(recipe, recipe.export_size, recipe.export_stride)
        if recipe.averaged_checkpoints > 1:
            number = recipe.averaged_checkpoints
            state = mean_of_checkpoints(work, number)
            note = f"The weights are the mean of the last {number} checkpoints, one from each epoch begun."
            record = replace(record, notes=(*record.notes, note))
        exported.load_state_dict(state or {})
        if recipe.recalibrated_batch_norm:
            last = recipe.stages[-1].films
            drawn = films_as_drawn(recipe, last, recipe.batch_norm_images, data) if last else train_split
            recalibrate_batch_norms(exported, recipe, drawn)
        exported.save_pretrained(final)
        write_record(record, final)
    return final


def stage_model(
    recipe: Recipe, stage: Stage, state: dict[str, torch.Tensor] | None, start: Start
) -> TimmWrapperForImageClassification:
    """Return the net as a stage begins to train it.

    Args:
        recipe: what is trained.
        stage: of the recipe.
        state: the weights to go on from; None before the first stage.
        start: where the weights come from then.
    """
    model = build_model(recipe, stage.size, stage.output_stride)
    if state is not None:
        model.load_state_dict(state)
    elif start.source:
        load_initial_weights(model, recipe, start.source)
    if stage.random_stride_offset and not stage.films:  # which need the offsets of each batch
        RandomStrideOffsets(model.timm_model, build_model(recipe, stage.size, recipe.export_stride).timm_model)
    if stage.mosaic_training:
        train_on_mosaics(model.timm_model, stage.mosaic_share)
    return model


def recalibrate_batch_norms(model: TimmWrapperForImageClassification, recipe: Recipe, train: Dataset) -> None:
    """Estimate every batch norm's statistics anew, on clean training images at the exported size and stride.

    Training leaves the statistics of augmented images at another stride, which are not what users send (Touvron et al.
    2019 describe the effect for sizes). Validation decides for each recipe whether it helps.
    """
    chosen = train.shuffle(seed=recipe.seed).select(range(min(recipe.batch_norm_images, len(train))))
    images = numbered(chosen).with_transform(as_tensors(recipe.preprocessing(), unchanged))
    batches = DataLoader(images, batch_size=64, collate_fn=collate)
    update_bn((batch["pixel_values"] for batch in batches), model.timm_model.to(memory_format=torch.channels_last))


def _checkpoint(runs: Path, name: str, stage: int) -> Path:
    return runs / name / f"stage-{stage}-done.pt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("net", choices=sorted(RECIPES), metavar="NAME", help=", ".join(RECIPES))
    parser.add_argument("--init", help="pretrained weights: a Hub id or a .safetensors file with timm's names")
    parser.add_argument("--push-to", metavar="USER/NAME", help="Hub repository that gets every epoch's checkpoint")


def run(options: argparse.Namespace) -> None:
    """Train the net and print the folder that holds it."""
    keep_freed_memory()
    print(train(RECIPES[options.net], options.runs, options.data, options.init, options.push_to))
