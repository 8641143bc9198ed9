"""Soft labels: what finished nets say of every training image, computed once and kept.

A student that learns from them pays nothing for its teachers, however many they are (Hinton et al. 2015; an ensemble
over symmetries is a better teacher than any of its members). Augmentation keeps the label, so it keeps the soft one.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from datasets import Dataset
from tqdm import tqdm
from transformers import TimmWrapperForImageClassification

from overread.preprocessing import Preprocessing
from training.methods.distillation import MissingTeacherError
from training.methods.heatmap_in_graph import log_odds

FILE = "soft-labels.npy"
OUTPUT_STRIDE = 16  # half the export's resolution at a quarter of its price
BATCH_SIZE = 32


def soft_labels(teachers: Sequence[str], images: Dataset, runs: Path) -> npt.NDArray[np.float32]:
    """Return (N,) the mean of the teachers' log-odds for every training image.

    Every second teacher sees the images mirrored, so that together they see all four flips.

    Args:
        teachers: names of recipes, trained.
        images: the train split, with a column ``image``.
        runs: where the nets are; each one's log-odds are kept beside it.

    Raises:
        MissingTeacherError: if one of them has not been trained yet.
    """
    labels = [labels_of(runs / name, images, mirrored=bool(number % 2)) for number, name in enumerate(teachers)]
    return np.mean(labels, axis=0, dtype=np.float32)


def labels_of(folder: Path, images: Dataset, mirrored: bool) -> npt.NDArray[np.float32]:
    """Return (N,) a net's log-odds, the mean over an image and itself turned by 180°, kept in ``folder``.

    Args:
        folder: holds the net's ``final``.
        images: the train split, with a column ``image``.
        mirrored: show the images' mirror images.

    Raises:
        MissingTeacherError: if the net has not been trained yet.
    """
    file = folder / FILE
    if file.exists():
        kept: npt.NDArray[np.float32] = np.load(file)
        if len(kept) == len(images):
            return kept
    if not (folder / "final").is_dir():
        raise MissingTeacherError(
            f"The teacher {folder.name} is not trained yet: run `python -m training train {folder.name}` first."
        )
    options = {"output_stride": OUTPUT_STRIDE}
    model = TimmWrapperForImageClassification.from_pretrained(folder / "final", model_args=options).eval()
    preprocess = Preprocessing.from_pretrained_cfg(model.config.pretrained_cfg)
    net = model.timm_model.to(memory_format=torch.channels_last)
    parts = []
    for start in tqdm(range(0, len(images), BATCH_SIZE), desc=f"soft labels of {folder.name}", unit="batch"):
        batch = [image.convert("RGB") for image in images[start : start + BATCH_SIZE]["image"]]
        pixel_values = torch.from_numpy(preprocess(batch))
        parts.append(over_half_turns(net, pixel_values.flip(-1) if mirrored else pixel_values))
    labels = torch.cat(parts).numpy()
    np.save(file, labels)
    return labels


@torch.inference_mode()
def over_half_turns(net: torch.nn.Module, pixel_values: torch.Tensor) -> torch.Tensor:
    """Return (N,) the log-odds of images (N, 3, H, W), averaged over 0 and 180 degrees."""
    views = (pixel_values, pixel_values.flip(-1, -2))
    return torch.stack([log_odds(net(view.contiguous(memory_format=torch.channels_last))) for view in views]).mean(0)
