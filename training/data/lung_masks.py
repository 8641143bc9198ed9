"""Lung masks of the children's films, checked by people; ``training.methods.lung_net`` finds those of other films."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from datasets import load_dataset

SIDE = 224  # height and width of a mask, px
Mask = npt.NDArray[np.bool_]


def kermany_lungs(folder: Path | str) -> dict[str, Mask]:
    """Return (224, 224) bool masks, true on the lungs with what lies behind the heart, by film name without suffix.

    V7 Labs, COVID-19 X-ray dataset (2020), CC BY 4.0: 5,781 of the 5,856 films have one.

    Args:
        folder: a Hub data set's folder, or its id, with columns ``path``, ``split`` and ``lungs``.
    """
    return _masks(folder, ("train", "validation", "test"))


def kermany_train_lungs(folder: Path | str) -> dict[str, Mask]:
    """Return the masks of the published train split alone, as ``kermany_lungs`` does."""
    return _masks(folder, ("train",))


def _masks(folder: Path | str, splits: Sequence[str]) -> dict[str, Mask]:
    rows = load_dataset(str(folder), split="train")
    chosen = rows.select([row for row, split in enumerate(rows["split"]) if split in splits])
    return {name: np.asarray(mask.convert("1")) for name, mask in zip(chosen["path"], chosen["lungs"], strict=True)}


def mask_of(file_name: str, masks: Mapping[str, Mask]) -> Mask | None:
    """Return the mask of a film by its file name, with suffix and folder or without; None if it has none."""
    return masks.get(Path(file_name).stem)
