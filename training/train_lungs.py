"""Trains the lung net: python -m training train-lungs --masks FOLDER [--data FOLDER]

Learns from the masks of the children's train films; validation is by patient, as for every chest net. Each epoch leaves
a checkpoint and a line in ``runs/chest-xray-lungs/log.json``; the command goes on from the last one when it is given
again. The trained net is ``runs/chest-xray-lungs/final``. About ten minutes on one CPU core.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from training.data.data_sets import CHEST_XRAY_PNEUMONIA
from training.data.lung_masks import Mask, kermany_train_lungs, mask_of
from training.data.splits import file_names, load_split
from training.measure.training_record import TRAINING_FILE, code_revision
from training.methods.cpu_allocator import keep_freed_memory
from training.methods.lung_augmentation import augmented
from training.methods.lung_net import BATCH, SIDE, LungNet, save_lung_net

NAME = "chest-xray-lungs"
EPOCHS = 6
LEARNING_RATE = 4e-3  # of AdamW: linear warm-up to it, then cosine decay
WEIGHT_DECAY = 0.02
WARMUP = 0.1  # fraction of all steps
SEED = 2026
CHECKPOINT_FILE, LOG_FILE = "checkpoint.pt", "log.json"


@dataclass(frozen=True)
class MaskedFilms:
    """Films and their lungs, (N, 224, 224) uint8; ``lungs`` is 0 or 1."""

    films: Tensor
    lungs: Tensor

    def __len__(self) -> int:
        """Return the number of films."""
        return len(self.films)

    def rows(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return the films of these row numbers and their lungs, (N, 1, 224, 224) float32 in 0..1 each."""
        return self.films[chosen, None] / 255, self.lungs[chosen, None].float()


def masked_films(dataset: Dataset, masks: Mapping[str, Mask]) -> MaskedFilms:
    """Return the films of a split that have a mask."""
    found = [(row, mask_of(name, masks)) for row, name in enumerate(file_names(dataset))]
    kept = [(row, mask) for row, mask in found if mask is not None]
    size = kept[0][1].shape[::-1]
    images = dataset.select([row for row, _ in kept])["image"]
    films = [np.asarray(film.convert("L").resize(size)) for film in tqdm(images, desc="films", unit="film")]
    lungs = np.stack([mask for _, mask in kept]).astype(np.uint8)
    return MaskedFilms(torch.from_numpy(np.stack(films)), torch.from_numpy(lungs))


def loss_of(logits: Tensor, lungs: Tensor) -> Tensor:
    """Return the cross-entropy plus one minus the soft Dice of the batch (Milletari et al. 2016).

    Args:
        logits: (N, H, W).
        lungs: (N, H, W) in 0..1.
    """
    probability = logits.sigmoid()
    dice = 2 * (probability * lungs).sum() / (probability.sum() + lungs.sum()).clamp(min=1)
    return functional.binary_cross_entropy_with_logits(logits, lungs) + 1 - dice


def mean_dice(net: LungNet, validation: MaskedFilms) -> float:
    """Return the mean Dice of the films at the net's own size, in evaluation mode."""
    net.eval()
    found = []
    for rows in torch.arange(len(validation)).split(BATCH):
        films, lungs = (functional.interpolate(each, size=(SIDE, SIDE), mode="area") for each in validation.rows(rows))
        with torch.inference_mode():
            seen, true = net(films) > 0, lungs[:, 0] >= 0.5
        found.append(2 * (seen & true).sum((1, 2)) / (seen.sum((1, 2)) + true.sum((1, 2))))
    return float(torch.cat(found).mean())


def train(known: MaskedFilms, validation: MaskedFilms, work: Path, epochs: int = EPOCHS) -> Path:
    """Return the folder of the trained net, ``final`` in ``work``; goes on from the checkpoint there, if any."""
    torch.manual_seed(SEED)
    net = LungNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = len(known) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, epochs * steps, pct_start=WARMUP)
    parts: dict[str, Any] = {"net": net, "optimizer": optimizer, "schedule": schedule}
    log: list[dict[str, float]] = []
    if (work / CHECKPOINT_FILE).exists():
        saved = torch.load(work / CHECKPOINT_FILE, weights_only=True)
        log = saved["log"]
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        torch.set_rng_state(saved["random"])
    work.mkdir(parents=True, exist_ok=True)
    for epoch in range(len(log) + 1, epochs + 1):
        started = perf_counter()
        net.train()
        losses = []
        for rows in tqdm(torch.randperm(len(known)).split(BATCH)[:steps], desc=f"epoch {epoch}", unit="step"):
            films, lungs = augmented(*known.rows(rows), SIDE)
            loss = loss_of(net(films.contiguous(memory_format=torch.channels_last)), lungs)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        log.append(
            {
                "epoch": epoch,
                "loss": float(np.mean(losses)),
                "validation_dice": mean_dice(net, validation),
                "seconds": perf_counter() - started,
            }
        )
        print(json.dumps(log[-1]), flush=True)
        state = {name: part.state_dict() for name, part in parts.items()}
        torch.save({**state, "log": log, "random": torch.get_rng_state()}, work / CHECKPOINT_FILE)
        (work / LOG_FILE).write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")
    save_lung_net(net, work / "final")
    record = {
        "train_films": len(known),
        "validation_films": len(validation),
        "learning_rate": LEARNING_RATE,
        "weight_decay": WEIGHT_DECAY,
        "batch_size": BATCH,
        "seed": SEED,
        "revision": code_revision(),
        "epochs": log,
    }
    (work / "final" / TRAINING_FILE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return work / "final"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("--masks", metavar="FOLDER", required=True, help="a local folder of the lung masks")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"default: {EPOCHS}")


def run(options: argparse.Namespace) -> None:
    """Train the net and print the folder that holds it."""
    keep_freed_memory()
    masks = kermany_train_lungs(options.masks)
    known, held_out = (
        masked_films(load_split(CHEST_XRAY_PNEUMONIA, split, options.data), masks) for split in ("train", "validation")
    )
    print(train(known, held_out, options.runs / NAME, options.epochs))
