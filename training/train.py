"""Trains one recipe: python -m training.train pcam-resnet18 [--data FOLDER] [--init HUB_ID_OR_FILE]

Each stage of the recipe is one learning-rate cycle of transformers' Trainer, which writes a checkpoint every epoch
``runs/<name>/stage-<n>/`` and goes on from the last one when the command is given again. The net with the best
validation AUC ends in ``runs/<name>/final/`` as a transformers folder, where ``python -m training.export`` finds it.

``accelerate launch -m training.train NAME`` shares each batch of the recipe among the machine's GPUs.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import timm
import torch
from accelerate import PartialState
from datasets import Dataset
from PIL import Image
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score
from torch.optim.swa_utils import update_bn
from torch.utils.data import DataLoader
from transformers import EvalPrediction, TimmWrapperConfig, TimmWrapperForImageClassification, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from overread.preprocessing import Preprocessing
from training.data.splits import load_split
from training.measure.training_log import ImagesPerSecond, write_history
from training.methods.augmentation import augmentation_for
from training.methods.corruption import corrupt
from training.methods.cpu_allocator import keep_freed_memory
from training.methods.distillation import DistillingTrainer, load_teacher
from training.methods.mosaic_training import see_mosaics
from training.methods.shift_and_stitch import RandomPhases
from training.methods.weight_averaging import WeightAverage
from training.recipes.nets import RECIPES, Recipe, Stage

BATCH_NORM_PICTURES = 2048


def build_model(recipe: Recipe, size: int, output_stride: int) -> TimmWrapperForImageClassification:
    """Return the recipe's net with random weights, as the transformers class that loads the exported folder."""
    config = TimmWrapperConfig(  # type: ignore[call-arg]  # pretrained_cfg is kept, as every extra key is
        architecture=recipe.architecture,
        model_args={"output_stride": output_stride},
        id2label=dict(enumerate(recipe.source.labels)),
        label2id={label: index for index, label in enumerate(recipe.source.labels)},
        pretrained_cfg=recipe.preprocessing(size).to_pretrained_cfg(),
    )
    return TimmWrapperForImageClassification(config)


def load_initial_weights(model: TimmWrapperForImageClassification, recipe: Recipe, init: str) -> None:
    """Copy a trunk into ``model`` and set its classifier to zero, so that the first steps do not wreck the trunk.

    Args:
        model: changed in place.
        recipe: names the architecture when ``init`` is a Hub id.
        init: a ``.safetensors`` file with timm's names, or a Hub id such as ``timm/resnet18.a1_in1k``.
    """
    net = model.timm_model
    if Path(init).is_file():
        state = load_file(init)
    else:
        state = timm.create_model(f"hf_hub:{init}", pretrained=True).state_dict()
    own = net.state_dict()
    fitting = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise SystemExit(f"{init} has no weights that fit {recipe.architecture}: is it the same architecture?")
    net.load_state_dict(fitting, strict=False)
    classifier = net.get_classifier()
    torch.nn.init.zeros_(classifier.weight)
    torch.nn.init.zeros_(classifier.bias)


def as_tensors(preprocess: Preprocessing, change: Callable[[Image.Image, int], Image.Image]) -> Callable[[dict], dict]:
    """Return the function that turns a batch of rows into ``pixel_values`` (3, H, W) float32 and ``labels``.

    Args:
        preprocess: resizes before ``change`` and normalises after it.
        change: takes an RGB picture and its row number; returns a picture of the same size.
    """

    def transform(rows: dict) -> dict:
        pictures = [
            change(preprocess.resize(image.convert("RGB")), row)
            for image, row in zip(rows["image"], rows["row"], strict=True)
        ]
        return {"pixel_values": [preprocess.normalise(picture) for picture in pictures], "labels": rows["labels"]}

    return transform


def collate(rows: list[dict]) -> dict[str, torch.Tensor]:
    """Return ``pixel_values`` (N, 3, H, W) float32 in channels-last order and ``labels`` (N,) int64."""
    pixel_values = torch.from_numpy(np.stack([row["pixel_values"] for row in rows]))
    return {
        "pixel_values": pixel_values.contiguous(memory_format=torch.channels_last),
        "labels": torch.tensor([row["labels"] for row in rows]),
    }


def auc_and_loss(prediction: EvalPrediction) -> dict[str, float]:
    """Return the area under the ROC curve of logit_1 - logit_0."""
    logits = np.asarray(prediction.predictions, dtype=np.float64)
    return {"auc": float(roc_auc_score(prediction.label_ids, logits[:, 1] - logits[:, 0]))}


def train_stage(
    recipe: Recipe,
    stage: Stage,
    model: TimmWrapperForImageClassification,
    train: Dataset,
    validation: Dataset,
    folder: Path,
    push_to: str | None = None,
) -> TimmWrapperForImageClassification:
    """Return the model after one stage; resumes where it stopped.

    It has the weights of the checkpoint with the best validation AUC, or where the stage says so their mean.
    """
    preprocess = recipe.preprocessing(stage.size)
    counts = np.bincount(train["labels"], minlength=2)
    weights = torch.tensor(len(train) / (2 * counts), dtype=torch.float32)  # balanced: each class weighs half

    def loss(outputs: dict, labels: torch.Tensor, num_items_in_batch: int | None = None) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(
            outputs["logits"].float(), labels, weights.to(labels.device), label_smoothing=recipe.label_smoothing
        )

    augment = augmentation_for(stage.augmentation)
    share = max(1, recipe.batch_size // processes().num_processes)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=stage.epochs,
        per_device_train_batch_size=share,
        per_device_eval_batch_size=share,
        learning_rate=stage.learning_rate,
        weight_decay=recipe.weight_decay,
        lr_scheduler_type="constant_with_warmup" if stage.averaged else "cosine",
        warmup_steps=recipe.warmup,  # below 1, a share of all steps
        max_grad_norm=1.0,
        bf16=recipe.bfloat16,
        average_tokens_across_devices=False,  # else our loss, a mean already, is multiplied by the processes
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=not stage.averaged,
        metric_for_best_model="auc",
        logging_steps=25,
        report_to="none",
        push_to_hub=push_to is not None,  # after every epoch, while the next one runs
        hub_model_id=push_to,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        seed=recipe.seed,
    )
    averages = [WeightAverage(model)] if stage.averaged else []
    trainer = DistillingTrainer(
        teacher=load_teacher(stage.teacher, folder.parents[1], preprocess) if stage.teacher else None,
        model=model.to(memory_format=torch.channels_last),  # type: ignore[call-arg]  # transformers wraps Module.to
        args=arguments,
        data_collator=collate,
        train_dataset=_numbered(train).with_transform(as_tensors(preprocess, lambda picture, _: augment(picture))),
        eval_dataset=_numbered(validation).with_transform(
            as_tensors(preprocess, corrupt if recipe.source.chosen_on_damaged else _unchanged)
        ),
        compute_loss_func=loss,
        compute_metrics=auc_and_loss,
        callbacks=[ImagesPerSecond(), *averages],
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)) if folder.exists() else None)
    for average in averages:
        average.copy_to(model)
    if trainer.is_world_process_zero():
        write_history(trainer.state.log_history, folder)
    return model


def processes() -> PartialState:
    """Return what this process knows of those that train together; alone, it is the main one of one."""
    return PartialState(cpu=not torch.cuda.is_available())


def _unchanged(picture: Image.Image, row: int) -> Image.Image:
    return picture


def _numbered(dataset: Dataset) -> Dataset:
    return dataset.add_column("row", list(range(len(dataset))))


def settle_batch_norms(model: TimmWrapperForImageClassification, recipe: Recipe, train: Dataset) -> None:
    """Estimate every batch norm's statistics anew, on clean training pictures at the exported size and stride.

    Training leaves statistics of augmented pictures behind, and of another stride, which are not what users send
    (Touvron et al. 2019 describe the effect for sizes). Validation decides for each recipe whether it helps.
    """
    chosen = train.shuffle(seed=recipe.seed).select(range(min(BATCH_NORM_PICTURES, len(train))))
    pictures = _numbered(chosen).with_transform(as_tensors(recipe.preprocessing(), _unchanged))
    batches = DataLoader(pictures, batch_size=64, collate_fn=collate)
    update_bn((batch["pixel_values"] for batch in batches), model.timm_model.to(memory_format=torch.channels_last))


def train(
    recipe: Recipe, runs: Path, data: str | None = None, init: str | None = None, push_to: str | None = None
) -> Path:
    """Return the folder of the trained net, ``runs/<name>/final``, in transformers' format at the exported stride.

    Args:
        recipe: what to train.
        runs: where checkpoints go.
        data: local folder in the data set's schema (default: the Hub).
        init: a trunk to start from, see ``load_initial_weights`` (default: the recipe's, if it names one).
        push_to: a Hub repository, ``user/name``, that gets the checkpoint of every epoch.
    """
    init = init or recipe.pretrained
    train_split = load_split(recipe.source, "train", data)
    validation_split = load_split(recipe.source, "validation", data)
    torch.manual_seed(recipe.seed)
    done = [runs / recipe.name / f"stage-{number}-done.pt" for number in range(len(recipe.stages))]
    finished = max((number for number, file in enumerate(done, 1) if file.exists()), default=0)
    start = done[finished - 1] if finished else _last_checkpoint(recipe.goes_on_from, runs)
    state = torch.load(start, weights_only=True) if start else None
    for number, stage in enumerate(recipe.stages[finished:], finished):
        folder = runs / recipe.name / f"stage-{number}"
        model = build_model(recipe, stage.size, stage.output_stride)
        if state is not None:
            model.load_state_dict(state)
        elif init:
            load_initial_weights(model, recipe, init)
        if stage.random_phases:
            RandomPhases(model.timm_model, build_model(recipe, stage.size, recipe.export_stride).timm_model)
        if stage.mosaics:
            see_mosaics(model.timm_model)
        state = train_stage(recipe, stage, model, train_split, validation_split, folder, push_to).state_dict()
        if processes().is_main_process:
            torch.save(state, done[number])
    final = runs / recipe.name / "final"
    if not processes().is_main_process:  # all have the same weights: one of them writes
        return final
    exported = build_model(recipe, recipe.export_size, recipe.export_stride)
    exported.load_state_dict(state or {})
    if recipe.settled_batch_norms:
        settle_batch_norms(exported, recipe, train_split)
    exported.save_pretrained(final)
    return final


def _last_checkpoint(name: str | None, runs: Path) -> Path | None:
    if name is None:
        return None
    file = runs / name / f"stage-{len(RECIPES[name].stages) - 1}-done.pt"
    if not file.exists():
        raise SystemExit(f"{name}, from which this goes on, is not there: run `python -m training.train {name}` first.")
    return file


def main() -> None:
    """Train the recipe named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--data", help="local folder in the data set's schema (default: the Hub)")
    parser.add_argument("--init", help="pretrained weights: a Hub id or a .safetensors file with timm's names")
    parser.add_argument("--push-to", metavar="USER/NAME", help="Hub repository that gets every epoch's checkpoint")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go (default: runs)")
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.recipe]
    keep_freed_memory()
    print(train(recipe, arguments.runs, arguments.data, arguments.init, arguments.push_to))


if __name__ == "__main__":
    main()
