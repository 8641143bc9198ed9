"""One stage of a training: transformers' Trainer at one input size and output stride."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from datasets import Dataset
from PIL import Image
from sklearn.metrics import roc_auc_score
from transformers import EvalPrediction, TimmWrapperForImageClassification, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from overread.preprocessing import Preprocessing
from overread.probability import log_odds
from training.data.corruption import corrupt
from training.measure.training_log import ImagesPerSecond, write_history
from training.methods.augmentation import augmentation_for
from training.methods.distillation import SOFT_LABELS, TWICE, DistillingTrainer, load_teacher
from training.methods.random_resampling import Resize, random_resize
from training.methods.soft_labels import soft_labels
from training.methods.weight_averaging import WeightAverage
from training.recipes.recipe import Recipe, Stage


@dataclass(frozen=True)
class FinishedStage:
    """The model after a stage, and the number of training images it saw, repetitions counted."""

    model: TimmWrapperForImageClassification
    images_seen: int


def train_stage(
    recipe: Recipe,
    stage: Stage,
    model: TimmWrapperForImageClassification,
    train: Dataset,
    validation: Dataset,
    folder: Path,
    push_to: str | None = None,
) -> FinishedStage:
    """Return the model after one stage; goes on from the last checkpoint in ``folder``, where there is one.

    The weights are those of the epoch with the best validation AUC, or their average where the stage asks for it.
    """
    preprocess = recipe.preprocessing(stage.size)
    arguments = _arguments(recipe, stage, folder, push_to)
    averages = [WeightAverage(model, stage.averaging_interval)] if stage.weight_averaging else []
    augment = augmentation_for(stage.augmentation)
    resize = random_resize(preprocess) if stage.random_filters else preprocess.resize
    learned = train
    if stage.soft_labels:
        learned = train.add_column(SOFT_LABELS, soft_labels(stage.soft_labels, train, folder.parents[1]).tolist())
    trainer = DistillingTrainer(
        teacher=load_teacher(stage.teacher, folder.parents[1], preprocess) if stage.teacher else None,
        teacher_share=stage.teacher_share,
        temperature=stage.distillation_temperature,
        consistency=stage.consistency,
        model=model.to(memory_format=torch.channels_last),  # type: ignore[call-arg]  # transformers wraps Module.to
        args=arguments,
        data_collator=collate,
        train_dataset=numbered(learned).with_transform(
            as_tensors(preprocess, lambda image, _: augment(image), resize, stage.twice)
        ),
        eval_dataset=numbered(validation).with_transform(
            as_tensors(preprocess, corrupt if recipe.source.validates_on_corrupted else unchanged)
        ),
        compute_loss_func=_balanced_loss(np.bincount(train["labels"], minlength=2), recipe.label_smoothing),
        compute_metrics=validation_auc,
        callbacks=[ImagesPerSecond(), *averages],
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)) if folder.exists() else None)
    for average in averages:
        average.copy_to(model)
    if trainer.is_world_process_zero():
        write_history(trainer.state.log_history, folder)
    return FinishedStage(model, round((trainer.state.epoch or 0) * len(train)))


def _arguments(recipe: Recipe, stage: Stage, folder: Path, push_to: str | None) -> TrainingArguments:
    share = max(1, recipe.batch_size // processes().num_processes)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=stage.epochs,
        per_device_train_batch_size=share,
        per_device_eval_batch_size=share,
        learning_rate=stage.learning_rate,
        weight_decay=recipe.weight_decay,
        lr_scheduler_type="constant_with_warmup" if stage.weight_averaging else "cosine",
        warmup_steps=recipe.warmup,  # below 1: a fraction of all steps
        max_grad_norm=1.0,
        bf16=recipe.bfloat16,
        average_tokens_across_devices=False,  # else the loss, which is a mean already, is multiplied by the processes
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=not stage.weight_averaging,
        metric_for_best_model="auc",
        logging_steps=25,
        report_to="none",
        push_to_hub=push_to is not None,  # after every epoch, while the next one runs
        hub_model_id=push_to,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        seed=recipe.seed,
    )


def _balanced_loss(counts: np.ndarray, label_smoothing: float) -> Callable[..., torch.Tensor]:
    """Return the cross-entropy in which both classes have the same weight, from (2,) numbers of training images."""
    weights = torch.tensor(counts.sum() / (2 * counts), dtype=torch.float32)

    def loss(outputs: dict, labels: torch.Tensor, num_items_in_batch: int | None = None) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(
            outputs["logits"].float(), labels, weights.to(labels.device), label_smoothing=label_smoothing
        )

    return loss


def as_tensors(
    preprocess: Preprocessing,
    change: Callable[[Image.Image, int], Image.Image],
    resize: Resize | None = None,
    twice: float = 0.0,
) -> Callable[[dict], dict]:
    """Return the function that turns a batch of rows into ``pixel_values`` (3, H, W) float32, ``labels`` and the rest.

    Args:
        preprocess: normalises after ``change``.
        change: takes an RGB image and its row number; returns an image of the same size.
        resize: before ``change``, to the model's input size; default: ``preprocess``'s.
        twice: share of the rows, the first ones, that are resized once more and changed alike, as ``again``.
    """
    to_size = resize or preprocess.resize

    def transform(rows: dict) -> dict:
        found: dict[str, Any] = {name: values for name, values in rows.items() if name in ("labels", SOFT_LABELS)}
        found["pixel_values"] = []
        again: list[np.ndarray | None] = []
        for image, row in zip(rows["image"], rows["row"], strict=True):
            rgb = image.convert("RGB")
            resized, state = to_size(rgb), torch.get_rng_state()
            found["pixel_values"].append(preprocess.normalise(change(resized, row)))
            if len(again) < round(twice * len(rows["row"])):
                resized = to_size(rgb)
                torch.set_rng_state(state)
                again.append(preprocess.normalise(change(resized, row)))
        if again:
            found["again"] = again + [None] * (len(rows["row"]) - len(again))
        return found

    return transform


def collate(rows: list[dict]) -> dict[str, torch.Tensor]:
    """Return ``pixel_values`` (N, 3, H, W) float32 in channels-last order, ``labels`` (N,) int64 and soft labels.

    Images that are seen twice come a second time at the end; ``TWICE``, a number, says how many.
    """
    again = [row for row in rows if row.get("again") is not None]
    pixel_values = np.stack([row["pixel_values"] for row in rows] + [row["again"] for row in again])
    names = [name for name in rows[0] if name not in ("pixel_values", "again")]
    return {
        "pixel_values": torch.from_numpy(pixel_values).contiguous(memory_format=torch.channels_last),
        **{name: torch.tensor([row[name] for row in (*rows, *again)]) for name in names},
        **({TWICE: torch.tensor(len(again))} if again else {}),
    }


def validation_auc(prediction: EvalPrediction) -> dict[str, float]:
    """Return the area under the ROC curve of the log-odds."""
    return {"auc": float(roc_auc_score(prediction.label_ids, log_odds(np.asarray(prediction.predictions))))}


def processes() -> PartialState:
    """Return this process's place among those that train together; alone, it is the main one of one."""
    return PartialState(cpu=not torch.cuda.is_available())


def unchanged(image: Image.Image, row: int) -> Image.Image:
    """Return the image; in place of an augmentation."""
    return image


def numbered(dataset: Dataset) -> Dataset:
    """Return the data set with a column ``row``, which the corruption of an image depends on."""
    return dataset.add_column("row", list(range(len(dataset))))
