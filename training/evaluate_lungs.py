"""Measures the lung net: python -m training evaluate-lungs --masks FOLDER [--data FOLDER]

Compares the lungs that ``models/chest-xray-lungs/onnx/model.onnx`` finds, as the app runs it, with masks that people
checked, at the masks' 224 px: on validation, on test, and on test films damaged as ``training.data.corruption`` does.
Writes ``evaluation.json`` and the card into the folder.
"""

import argparse
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from PIL import Image

from overread.hub import ModelSource
from overread.lungs import LUNG, LungNet
from overread.model_folder import ONNX_FILE, sha256_of
from overread.reported_figures import EVALUATION_FILE
from training.data.data_sets import CHEST_XRAY_PNEUMONIA
from training.data.lung_masks import Mask, kermany_lungs, mask_of
from training.data.splits import Split, file_names, load_split
from training.data.validation_set import batches
from training.measure.overlap import overlap
from training.reports.lung_card import write_lung_card
from training.train_lungs import NAME

BATCH_SIZE = 32


def found_lungs(net: LungNet, images: list[Image.Image], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return (N, height, width) bool: the lungs that the net finds, at ``size``, which is width and height."""
    grown = [Image.fromarray(probability).resize(size, Image.Resampling.BILINEAR) for probability in net(images)]
    return np.stack([np.asarray(probability) >= LUNG for probability in grown])


def measure(net: LungNet, dataset: Dataset, masks: Mapping[str, Mask], title: str, damaged: bool) -> dict[str, Any]:
    """Return the overlap of found and drawn lungs in a split, of all films and by class."""
    drawn = [(row, mask_of(name, masks)) for row, name in enumerate(file_names(dataset))]
    rows = [row for row, mask in drawn if mask is not None]
    true = np.stack([mask for _, mask in drawn if mask is not None])
    chosen = dataset.select(rows)
    height, width = true.shape[1:]
    parts = [found_lungs(net, images, (width, height)) for images in batches(chosen, BATCH_SIZE, title, damaged)]
    found, labels = np.concatenate(parts), np.asarray(chosen["labels"])
    by_class = {
        name: overlap(found[labels == label], true[labels == label])
        for label, name in enumerate(CHEST_XRAY_PNEUMONIA.labels)
    }
    return {**overlap(found, true), "area": {"found": float(found.mean()), "drawn": float(true.mean())}, **by_class}


def evaluate(folder: Path, masks: str, data: str | None) -> dict[str, Any]:
    """Return what ``evaluation.json`` of the lung net's folder holds.

    Args:
        folder: of the lung net.
        masks: a local folder of the lung masks.
        data: a local folder of the children's films (default: the Hub).
    """
    net, drawn = LungNet(ModelSource(folder, folder.name)), kermany_lungs(masks)
    splits: dict[str, tuple[Split, bool]] = {
        "validation": ("validation", False),
        "test": ("test", False),
        "test, damaged": ("test", True),
    }
    return {
        "model": folder.name,
        "sha256": sha256_of(folder / ONNX_FILE),
        "date": datetime.now(timezone.utc).date().isoformat(),
        "dataset": CHEST_XRAY_PNEUMONIA.masks,
        "films": CHEST_XRAY_PNEUMONIA.dataset,
        "masks": "V7 Labs, COVID-19 X-ray dataset, 2020, CC BY 4.0",
        "pixels": 224,
        "splits": {
            name: measure(net, load_split(CHEST_XRAY_PNEUMONIA, split, data), drawn, name, damaged)
            for name, (split, damaged) in splits.items()
        },
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("--masks", metavar="FOLDER", required=True, help="a local folder of the lung masks")


def run(options: argparse.Namespace) -> None:
    """Measure the lung net, write figures and card, print both files."""
    folder = options.models / NAME
    evaluation = evaluate(folder, options.masks, options.data)
    file = folder / EVALUATION_FILE
    file.write_text(json.dumps(evaluation, indent=1) + "\n", encoding="utf-8")
    print(file)
    print(write_lung_card(folder))
