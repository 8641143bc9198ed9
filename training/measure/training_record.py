"""The record of a net's training, ``training.json``: written while the net is trained, quoted by its card."""

import json
import subprocess
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from overread.errors import ModelFolderError
from training.recipes.recipe import Recipe, Stage

TRAINING_FILE = "training.json"
LIBRARIES = ("torch", "timm", "transformers")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Start:
    """The weights that a training started from.

    ``source`` is the trunk's Hub id or file, or the model whose trained net went on; None for random weights.
    """

    kind: Literal["random weights", "pretrained trunk", "trained net"]
    source: str | None = None


@dataclass(frozen=True)
class StageRecord:
    """One stage, as it was trained."""

    size: int  # pixels, height and width
    output_stride: int
    epochs: float
    images_seen: int  # with repetitions
    learning_rate: float  # after the warm-up
    schedule: Literal["cosine", "constant"]  # after a linear warm-up
    averaged: bool  # the weights are the average along the stage (SWA); else those of the best validation AUC
    augmentation: str
    random_stride_offset: bool  # see `training.methods.shift_and_stitch`
    mosaic_share: float  # of the batches, see `training.methods.mosaic_training`
    teacher: str | None
    teacher_share: float  # of the loss
    finished: str  # ISO 8601
    revision: str | None  # commit of the code
    versions: dict[str, str]  # of the libraries
    soft_labels: tuple[str, ...] = ()  # the nets that gave them, see `training.methods.soft_labels`
    random_filters: bool = False  # see `training.methods.random_resampling`
    seen_twice: float = 0.0  # share of each batch, by two filters, whose answers are drawn together
    films: dict[str, Any] | None = None  # settings of a stage on films of two hospitals, see `recipes.Films`


@dataclass(frozen=True)
class TrainingRecord:
    """How a net was trained."""

    model: str
    architecture: str
    dataset: str
    train_images: int
    validation_images: int
    started_from: Start
    stages: tuple[StageRecord, ...]
    batch_size: int
    weight_decay: float
    warmup: float  # fraction of a stage's steps
    label_smoothing: float
    precision: Literal["bfloat16", "float32"]
    seed: int
    recalibrated_batch_norms: bool  # on clean training images at the exported size and stride, after the last stage
    notes: tuple[str, ...] = ()  # whole sentences, shown in the card


def begin(recipe: Recipe, start: Start, train_images: int, validation_images: int) -> TrainingRecord:
    """Return the record of a training without a finished stage."""
    return TrainingRecord(
        model=recipe.name,
        architecture=recipe.architecture,
        dataset=recipe.source.dataset,
        train_images=train_images,
        validation_images=validation_images,
        started_from=start,
        stages=(),
        batch_size=recipe.batch_size,
        weight_decay=recipe.weight_decay,
        warmup=recipe.warmup,
        label_smoothing=recipe.label_smoothing,
        precision="bfloat16" if recipe.bfloat16 else "float32",
        seed=recipe.seed,
        recalibrated_batch_norms=recipe.recalibrated_batch_norm,
    )


def going_on_from(before: TrainingRecord, record: TrainingRecord) -> TrainingRecord:
    """Return the record of a training that goes on from another net, with the stages that made that net before it.

    Args:
        before: how the other net was trained.
        record: of the training, without a finished stage.
    """
    made = f"first {len(before.stages)} stages" if len(before.stages) > 1 else "first stage"
    note = f"The {made} made `{before.model}`, with {before.batch_size} images a step."
    return replace(record, started_from=before.started_from, stages=before.stages, notes=(*before.notes, note))


def with_stage(record: TrainingRecord, stage: Stage, images_seen: int) -> TrainingRecord:
    """Return the record with one more stage, which has just been finished by the code that is running."""
    finished = StageRecord(
        size=stage.size,
        output_stride=stage.output_stride,
        epochs=stage.epochs,
        images_seen=images_seen,
        learning_rate=stage.learning_rate,
        schedule="constant" if stage.weight_averaging else "cosine",
        averaged=stage.weight_averaging,
        augmentation=stage.augmentation,
        random_stride_offset=stage.random_stride_offset,
        mosaic_share=stage.mosaic_share if stage.mosaic_training else 0.0,
        teacher=stage.teacher,
        teacher_share=stage.teacher_share if stage.teacher or stage.soft_labels else 0.0,
        finished=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        revision=code_revision(),
        versions={library: version(library) for library in LIBRARIES},
        soft_labels=stage.soft_labels,
        random_filters=stage.random_filters,
        seen_twice=stage.twice,
        films=asdict(stage.films) if stage.films else None,
    )
    return replace(record, stages=(*record.stages, finished))


def code_revision() -> str | None:
    """Return the commit that is checked out, "-dirty" after it where files differ; None outside a git checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def write_record(record: TrainingRecord, folder: Path) -> Path:
    """Return the folder's ``training.json``."""
    file = folder / TRAINING_FILE
    file.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
    return file


def read_record(folder: Path) -> TrainingRecord:
    """Return the record in a folder of a training or of a model.

    Raises:
        ModelFolderError: if it is missing or incomplete.
    """
    try:
        content: dict[str, Any] = json.loads((folder / TRAINING_FILE).read_text(encoding="utf-8"))
        content["started_from"] = Start(**content["started_from"])
        stages = [stage | {"soft_labels": tuple(stage.get("soft_labels", ()))} for stage in content["stages"]]
        content["stages"] = tuple(StageRecord(**stage) for stage in stages)
        content["notes"] = tuple(content["notes"])
        return TrainingRecord(**content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFolderError(f"{folder.name}/{TRAINING_FILE} cannot be read: {error!r}") from error
