"""Measures accuracy against the number of labels: python -m training labels-curve [--data FOLDER] [--init FILE]

Trains EfficientNet-Lite0 on 300 to 30,000 labelled patches of PCam, from an ImageNet trunk and from random weights,
with three seeds each: 30 nets. The result of each is kept in ``runs/labels-curve/``, so the command goes on where it
was stopped, and several (``--seeds``) can share the work. When none is missing, it writes ``labels_curve.json`` and
``figures/labels_curve.png`` into the folder of the model whose card shows them.

No validation label is used: number of steps and learning rate are fixed, and the last weights are measured.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from PIL import Image
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from transformers import TimmWrapperForImageClassification, get_cosine_schedule_with_warmup

from overread.probability import log_odds
from training.data.data_sets import PATCH_CAMELYON
from training.data.splits import load_split
from training.measure.intervals import Estimate, Floats, bootstrap_images
from training.measure.plots import labels_curve
from training.measure.ranking import Labels, Ranking, area_under_roc
from training.methods.augmentation import augmentation_for
from training.methods.cpu_allocator import keep_freed_memory
from training.methods.torch_model import build_model, load_initial_weights
from training.methods.training_stage import as_tensors, collate, numbered, unchanged
from training.recipes.teachers import PCAM_TEACHER
from training.reports.labels_section import FIGURE, RESULT

LABELS = (300, 1_000, 3_000, 10_000, 30_000)
SEEDS = (1, 2, 3)
IMAGENET, RANDOM = "ImageNet trunk", "random weights"
STEPS = 120  # with the fewest labels; they grow with the cube root of the labels, to 557 with the most
RECIPE = PCAM_TEACHER  # one stage
SIDE = 64  # px of the patch's centre that is seen: labels are about the centre 32, and it costs half of the whole 96
CARD_OF = "pcam-efficientnet-lite0"


@dataclass(frozen=True)
class Run:
    """One net of the curve."""

    start: str  # IMAGENET or RANDOM
    labels: int
    seed: int  # of the patches that are drawn, of their order and of the weights

    @property
    def steps(self) -> int:
        """Optimisation steps of ``RECIPE.batch_size`` patches each."""
        return round(STEPS * (self.labels / LABELS[0]) ** (1 / 3))

    @property
    def file(self) -> str:
        """Name of the file that keeps its result."""
        return f"{self.start.split()[0].lower()}-{self.labels}-{self.seed}.json"


def draw(train: Dataset, run: Run) -> Dataset:
    """Return the patches whose labels a run may use, at random; a larger run of the same seed has them all, too."""
    order = np.random.default_rng(run.seed).permutation(len(train))
    return train.select(order[: run.labels])


def centre(patch: Image.Image) -> Image.Image:
    """Return the centre of a patch, ``SIDE`` x ``SIDE`` px, at its own scale."""
    left, top = (patch.width - SIDE) // 2, (patch.height - SIDE) // 2
    return patch.crop((left, top, left + SIDE, top + SIDE))


def train_net(run: Run, train: Dataset, init: str | None) -> TimmWrapperForImageClassification:
    """Return the trained net of a run.

    Args:
        run: which.
        train: the whole train split.
        init: the ImageNet trunk, see ``load_initial_weights`` (default: the recipe's).
    """
    torch.manual_seed(run.seed)
    (stage,) = RECIPE.stages
    model = build_model(RECIPE, SIDE, stage.output_stride)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-arg]  # transformers wraps Module.to
    if run.start == IMAGENET:
        load_initial_weights(model, RECIPE, str(init or RECIPE.pretrained))
    augment = augmentation_for(stage.augmentation)
    patches = numbered(draw(train, run)).with_transform(
        as_tensors(RECIPE.preprocessing(SIDE), lambda image, _: augment(image), centre)
    )
    optimizer = torch.optim.AdamW(model.parameters(), stage.learning_rate, weight_decay=RECIPE.weight_decay)
    schedule = get_cosine_schedule_with_warmup(optimizer, round(RECIPE.warmup * run.steps), run.steps)
    model.train()
    for _, batch in zip(range(run.steps), _endless(patches), strict=False):
        logits = model(pixel_values=batch["pixel_values"]).logits  # (N, 2)
        loss = cross_entropy(logits, batch["labels"], label_smoothing=RECIPE.label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model


def _endless(patches: Dataset) -> Iterator[dict[str, torch.Tensor]]:
    """Yield batches, in another order after each pass."""
    batches = DataLoader(patches, RECIPE.batch_size, shuffle=True, drop_last=True, collate_fn=collate)
    while True:
        yield from batches


@torch.inference_mode()
def log_odds_of(model: TimmWrapperForImageClassification, patches: Dataset) -> Floats:
    """Return the (N,) log-odds of the finding, float32."""
    images = numbered(patches).with_transform(as_tensors(RECIPE.preprocessing(SIDE), unchanged, centre))
    model.eval()
    batches = DataLoader(images, RECIPE.batch_size, collate_fn=collate)
    return log_odds(np.concatenate([model(pixel_values=batch["pixel_values"]).logits.numpy() for batch in batches]))


def measure(run: Run, train: Dataset, test: Dataset, init: str | None) -> dict[str, Any]:
    """Return a run's log-odds on test, its AUC and the minutes of processor time that training took."""
    began = time.process_time()
    model = train_net(run, train, init)
    minutes = (time.process_time() - began) / 60
    found, labels = log_odds_of(model, test), np.array(test["labels"])
    auc = area_under_roc(labels, found)
    return {**asdict(run), "steps": run.steps, "cpu_minutes": minutes, "auc": auc, "log_odds": found.tolist()}


def points(results: Sequence[dict[str, Any]], labels: Labels) -> list[dict[str, Any]]:
    """Return a row per start and number of labels: the seeds' mean AUC with its interval over test images.

    Args:
        results: as ``measure`` returns them, of all seeds.
        labels: (N,) of the test images.
    """
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for result in results:
        groups.setdefault((result["start"], result["labels"]), []).append(result)
    return [
        {
            "start": start,
            "labels": number,
            "steps": group[0]["steps"],
            "auc": mean_auc([np.array(result["log_odds"]) for result in group], labels),
            "auc_of_seeds": [result["auc"]["value"] for result in group],
            "cpu_minutes": float(np.mean([result["cpu_minutes"] for result in group])),
        }
        for (start, number), group in sorted(groups.items())
    ]


def mean_auc(scores: Sequence[Floats], labels: Labels) -> Estimate:
    """Return the mean AUC of several nets on the same images; a resample draws the same images for all of them."""
    rankings = [Ranking(labels, values) for values in scores]
    value = float(np.mean([ranking.area_under_roc(np.ones(len(labels), int)) for ranking in rankings]))
    return bootstrap_images(
        value, lambda counts: float(np.mean([ranking.area_under_roc(counts) for ranking in rankings])), len(labels)
    )


def write(results: Sequence[dict[str, Any]], test: Dataset, folder: Path) -> None:
    """Write the table and the figure of the finished curve into a model folder."""
    labels = np.array(test["labels"])
    found = points(results, labels)
    measured = {
        "dataset": PATCH_CAMELYON.dataset,
        "test_images": len(labels),
        "architecture": RECIPE.architecture,
        "side_px": SIDE,
        "batch_size": RECIPE.batch_size,
        "points": found,
    }
    (folder / RESULT).write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    labels_curve(found, folder / FIGURE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("--init", help="the ImageNet trunk: a Hub id or a .safetensors file with timm's names")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="train those of these seeds only")


def run(options: argparse.Namespace) -> None:
    """Train what is missing, then write the curve if it is whole."""
    keep_freed_memory()
    work = options.runs / "labels-curve"
    work.mkdir(parents=True, exist_ok=True)
    train, test = (load_split(PATCH_CAMELYON, split, options.data) for split in ("train", "test"))
    for labels, seed, start in product(LABELS, SEEDS, (IMAGENET, RANDOM)):
        wanted = Run(start, labels, seed)
        if seed in options.seeds and not (work / wanted.file).exists():
            result = measure(wanted, train, test, options.init)
            (work / wanted.file).write_text(json.dumps(result), encoding="utf-8")
            print(
                f"{start}, {labels:,} labels, seed {seed}: AUC {result['auc']['value']:.3f}, "
                f"{result['cpu_minutes']:.1f} minutes",
                flush=True,
            )
    files = [work / Run(start, labels, seed).file for labels, seed, start in product(LABELS, SEEDS, (IMAGENET, RANDOM))]
    missing = sum(not file.exists() for file in files)
    if missing:
        print(f"{missing} nets are missing: the curve is written when they are trained.")
        return
    write([json.loads(file.read_text(encoding="utf-8")) for file in files], test, options.models / CARD_OF)
    print(options.models / CARD_OF / FIGURE)
