"""The validation images: calibration, operating points and the colour scale are chosen on them, never on test."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from PIL import Image
from tqdm import tqdm

from training.data.corruption import corrupt
from training.data.data_sets import Source
from training.data.proportions import same_proportions
from training.data.two_hospitals import balancing_weights, load_hospitals

SECOND_SHARE = 0.5  # of the weight, where there is a second hospital


@dataclass(frozen=True)
class ValidationImages:
    """A validation split, and where ``corrupted`` says so every image a second time, corrupted.

    Clean chest X-rays of the hospital that a net was trained on are nearly all classified correctly. Thresholds chosen
    on them alone would be too confident on images from elsewhere.
    """

    dataset: Dataset  # of `load_hospitals`
    corrupted: bool
    within: npt.NDArray[np.float64] | None = None  # (rows,) how much each counts within its class and stratum

    @property
    def name(self) -> str:
        """The name of these images in ``config.json``."""
        hospitals = len(set(self.dataset["hospital"]))
        name = "validation" if hospitals == 1 else "validation of two hospitals, alike"
        name = name if self.within is None else f"{name}, proportions balanced"
        return f"{name}, clean and corrupted" if self.corrupted else name

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """(N,) 0 or 1, in the order of ``batches``."""
        labels = np.asarray(self.dataset["labels"], np.int64)
        return np.concatenate([labels, labels]) if self.corrupted else labels

    @property
    def targets(self) -> npt.NDArray[np.float64]:
        """(N,) what each label is worth, in the order of ``batches``: below 1 for a text-mined positive."""
        targets = np.asarray(self.dataset["target"], np.float64)
        return np.concatenate([targets, targets]) if self.corrupted else targets

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """(N,) how much each image counts, in the order of ``batches``: classes alike within hospital and view."""
        weights = balancing_weights(self.dataset, SECOND_SHARE, self.within)
        return np.concatenate([weights, weights]) / 2 if self.corrupted else weights

    def batches(self, size: int) -> Iterator[list[Image.Image]]:
        """Yield RGB images, at most ``size`` at a time."""
        yield from batches(self.dataset, size, "validation")
        if self.corrupted:
            yield from batches(self.dataset, size, "corrupted validation", corrupted=True)


def batches(dataset: Dataset, size: int, title: str, corrupted: bool = False) -> Iterator[list[Image.Image]]:
    """Yield RGB images, at most ``size`` at a time, with a progress bar.

    Args:
        dataset: with a column ``image``.
        size: of a batch.
        title: of the progress bar.
        corrupted: corrupt every image as its row number says, see ``training.data.corruption``.
    """
    for start in tqdm(range(0, len(dataset), size), desc=title, unit="batch"):
        images = [image.convert("RGB") for image in dataset[start : start + size]["image"]]
        yield [corrupt(image, start + row) if corrupted else image for row, image in enumerate(images)]


def validation_images(source: Source, data: str | None = None) -> ValidationImages:
    """Return the images that models of a data set, and of its second hospital, are calibrated on.

    Args:
        source: the data set.
        data: a local folder in its schema, the second hospital's beside it (default: the Hub).
    """
    dataset = load_hospitals(source, "validation", data)
    within = same_proportions(dataset, source, data) if source.masks else None
    return ValidationImages(dataset, source.validates_on_corrupted, within)
