"""Statistics of image files that should not predict the label, but may: size, compression, brightness.

A net can learn such a shortcut in place of the disease. Each number's AUC says how well it predicts the label alone.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from datasets import Image
from PIL import Image as PillowImage
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from overread.errors import InputError
from overread.images import decode
from training.data.data_sets import Source
from training.data.splits import Split, load_split
from training.measure.jpeg_quality import NOT_JPEG, jpeg_quality

SAMPLE = 2000  # images decoded per split
SHOWN = 12  # thumbnails per class and split
THUMBNAIL, MEAN_SIDE = 128, 96  # px
SEED = 2026


@dataclass(frozen=True)
class FileStatistics:
    """The numbers of one image file."""

    name: str  # of the file
    label: int  # 1 = the finding
    width: int
    height: int
    bytes_per_pixel: float  # of the file
    quality: int  # of its JPEG compression, 1..100, or NOT_JPEG
    brightness: float  # mean over pixels and channels, 0..255
    contrast: float  # standard deviation over pixels and channels
    digest: str  # SHA-256 of size and RGB pixels

    @property
    def aspect_ratio(self) -> float:
        """Width over height."""
        return self.width / self.height


@dataclass(frozen=True)
class NumberAuc:
    """The AUC of one number as the only predictor of the label, with its 95 % interval."""

    value: float  # NaN where a class has no image
    low: float
    high: float

    @property
    def predicts_label(self) -> bool:
        """Whether the interval excludes 0.5 and the value differs from it by at least 0.1."""
        return (self.low > 0.5 or self.high < 0.5) and abs(self.value - 0.5) >= 0.1


@dataclass(frozen=True)
class SplitStatistics:
    """The statistics of one split: labels and names of all images, numbers of the sampled ones."""

    split: str
    names: tuple[str, ...]  # of all files
    labels: npt.NDArray[np.int64]  # (rows,) of all images
    images: tuple[FileStatistics, ...]  # sampled
    unreadable: tuple[str, ...]  # names of sampled files that cannot be decoded
    histograms: npt.NDArray[np.float64]  # (2 classes, 3 channels, 256), each sums to 1; images have equal weight
    means: npt.NDArray[np.float64]  # (2 classes, MEAN_SIDE, MEAN_SIDE, 3), of images squashed to that size, 0..255
    thumbnails: tuple[tuple[tuple[str, PillowImage.Image], ...], ...]  # per class: name, image
    grey: bool  # whether red, green and blue are equal in every sampled image

    @property
    def counts(self) -> tuple[int, int]:
        """The number of images of class 0 and of class 1 in the whole split."""
        return int((self.labels == 0).sum()), int((self.labels == 1).sum())

    @property
    def sampled_labels(self) -> npt.NDArray[np.int64]:
        """(sampled,) labels."""
        return np.array([image.label for image in self.images], np.int64)

    def values(self, number: str) -> npt.NDArray[np.float64]:
        """Return (sampled,) one number, an attribute of ``FileStatistics``."""
        return np.array([getattr(image, number) for image in self.images], np.float64)

    def auc(self, number: str) -> NumberAuc:
        """Return how well one number, an attribute of ``FileStatistics``, predicts the label."""
        return number_auc(self.sampled_labels, self.values(number))

    def quality_counts(self) -> dict[str, tuple[int, int]]:
        """Return the sampled images of class 0 and class 1 by JPEG quality, or "lossless"."""
        count = Counter((image.quality, image.label) for image in self.images)
        return {
            "lossless" if quality == NOT_JPEG else str(quality): (count[quality, 0], count[quality, 1])
            for quality in sorted({image.quality for image in self.images})
        }


def number_auc(labels: npt.NDArray[np.int64], numbers: npt.NDArray[np.float64]) -> NumberAuc:
    """Return the area under the ROC curve with the 95 % interval of Hanley & McNeil 1982; NaN without both classes."""
    ones, zeros = int((labels == 1).sum()), int((labels == 0).sum())
    if not ones or not zeros:
        return NumberAuc(np.nan, np.nan, np.nan)
    area = float(roc_auc_score(labels, numbers))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (ones - 1) * (q1 - area**2) + (zeros - 1) * (q2 - area**2)
    half_width = 1.96 * float(np.sqrt(max(variance, 0.0) / (ones * zeros)))
    return NumberAuc(area, max(area - half_width, 0.0), min(area + half_width, 1.0))


def split_statistics(
    source: Source, split: Split, data: str | None = None, sample: int = SAMPLE, seed: int = SEED
) -> SplitStatistics:
    """Return the statistics of one split.

    Args:
        source: the data set.
        split: "train", "validation" or "test", as training loads them.
        data: a local folder in the data set's schema (default: the Hub).
        sample: the largest number of images to decode, drawn at random.
        seed: of that draw.
    """
    dataset = load_split(source, split, data).cast_column("image", Image(decode=False))
    labels = np.asarray(dataset["labels"], np.int64)
    # Without the bytes: the names of all files take megabytes, the files gigabytes.
    paths = dataset.select_columns(["image"]).flatten().select_columns(["image.path"])["image.path"]
    names = tuple(Path(path).name if path else f"row {row}" for row, path in enumerate(paths))
    rows = np.random.default_rng(seed).permutation(len(dataset))[:sample]
    shown = {int(row) for label in (0, 1) for row in rows[labels[rows] == label][:SHOWN]}

    images, unreadable, grey = [], [], True
    histograms, means = np.zeros((2, 3, 256)), np.zeros((2, MEAN_SIDE, MEAN_SIDE, 3))
    thumbnails: tuple[list[tuple[str, PillowImage.Image]], ...] = ([], [])
    for row in tqdm(np.sort(rows).tolist(), desc=split, unit="image"):
        stored = dataset[row]["image"]
        content = stored["bytes"] or Path(stored["path"]).read_bytes()
        label = int(labels[row])
        try:
            image = decode(content).picture
        except InputError:
            unreadable.append(names[row])
            continue
        pixels = np.asarray(image)  # (H, W, 3) uint8
        histogram = _histogram(pixels)
        images.append(_file_statistics(names[row], label, content, pixels, histogram))
        histograms[label] += histogram
        means[label] += np.asarray(image.resize((MEAN_SIDE, MEAN_SIDE), PillowImage.Resampling.BOX), np.float64)
        grey = grey and bool((pixels == pixels[..., :1]).all())
        if row in shown:
            image.thumbnail((THUMBNAIL, THUMBNAIL))
            thumbnails[label].append((names[row], image))
    sampled = np.bincount([image.label for image in images], minlength=2).clip(min=1)
    return SplitStatistics(
        split,
        names,
        labels,
        tuple(images),
        tuple(unreadable),
        histograms / sampled[:, None, None],
        means / sampled[:, None, None, None],
        tuple(map(tuple, thumbnails)),
        grey,
    )


def _histogram(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return (3, 256): the fraction of an image's pixels at each level, by channel."""
    counts = [np.bincount(pixels[..., channel].ravel(), minlength=256) for channel in range(3)]
    return np.stack(counts) / pixels[..., 0].size


def _file_statistics(
    name: str, label: int, content: bytes, pixels: npt.NDArray[np.uint8], histogram: npt.NDArray[np.float64]
) -> FileStatistics:
    height, width = pixels.shape[:2]
    levels = histogram.mean(axis=0)  # (256,)
    brightness = float(levels @ np.arange(256))
    return FileStatistics(
        name=name,
        label=label,
        width=width,
        height=height,
        bytes_per_pixel=len(content) / (width * height),
        quality=jpeg_quality(content),
        brightness=brightness,
        contrast=float(np.sqrt(levels @ (np.arange(256) - brightness) ** 2)),
        digest=hashlib.sha256(f"{(width, height)}".encode() + pixels.tobytes()).hexdigest(),
    )
