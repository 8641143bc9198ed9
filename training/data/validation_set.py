"""The pictures that calibration, operating points and colour scale are chosen on: validation, and never test."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from PIL import Image
from tqdm import tqdm

from training.data.splits import load_split
from training.data.corruption import corrupt
from training.recipes.ensembles import EnsembleRecipe
from training.recipes.nets import Recipe


@dataclass(frozen=True)
class ValidationPictures:
    """A validation split, and where ``damaged`` says so each of its pictures a second time, damaged.

    Clean chest X-rays of the hospital that was learned from are nearly all told apart: thresholds chosen on them alone
    would trust every picture from elsewhere too much.
    """

    dataset: Dataset  # with columns image and labels
    damaged: bool

    @property
    def name(self) -> str:
        """What ``config.json`` calls these pictures."""
        return "validation, clean and damaged" if self.damaged else "validation"

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """(N,) 0 or 1, in the order of ``batches``."""
        labels = np.asarray(self.dataset["labels"], np.int64)
        return np.concatenate([labels, labels]) if self.damaged else labels

    @property
    def parts(self) -> list[tuple[str, bool]]:
        """What ``batches`` goes through: a title, and whether the pictures are damaged."""
        return [("validation", False), ("damaged validation", True)][: 1 + self.damaged]

    def batches(self, size: int) -> Iterator[list[Image.Image]]:
        """Yield RGB pictures, at most ``size`` at a time."""
        for title, damaged in self.parts:
            yield from batches(self.dataset, size, title, damaged)


def batches(dataset: Dataset, size: int, title: str, damaged: bool = False) -> Iterator[list[Image.Image]]:
    """Yield RGB pictures, at most ``size`` at a time, under a progress bar of that title.

    Args:
        dataset: with a column ``image``.
        size: of a batch.
        title: of the progress bar.
        damaged: damage each picture as its row number says, see ``training.data.corruption``.
    """
    for start in tqdm(range(0, len(dataset), size), desc=title, unit="batch"):
        pictures = [image.convert("RGB") for image in dataset[start : start + size]["image"]]
        yield [corrupt(picture, start + row) if damaged else picture for row, picture in enumerate(pictures)]


def validation_pictures(recipe: Recipe | EnsembleRecipe, data: str | None = None) -> ValidationPictures:
    """Return what a recipe's model is calibrated on; ``data`` is a local folder in place of the Hub's data set."""
    dataset = load_split(recipe.source, "validation", data)
    return ValidationPictures(dataset, recipe.source.validates_on_corrupted)
