"""What a split looks like, in numbers that say nothing of the body: shape, compression, brightness, equal pictures."""

import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
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
from training.data.splits import Split, kind_of, load_split, patient_of

SAMPLE = 2000  # pictures decoded per split
SHOWN = 12  # pictures per class and split
THUMBNAIL, MEAN_SIDE = 128, 96  # pixels
NOT_JPEG = 101  # stands for a JPEG quality where there is none: better than the best
SEED = 2026


@dataclass(frozen=True)
class Picture:
    """The numbers of one picture that might tell its label."""

    name: str  # the file's
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
class Auc:
    """How well one number alone ranks the pictures with the finding above those without, with a 95 % interval."""

    value: float  # NaN where a class has no picture
    low: float
    high: float

    @property
    def telling(self) -> bool:
        """Whether the interval leaves out 0.5 and the value is a tenth or more from it."""
        return (self.low > 0.5 or self.high < 0.5) and abs(self.value - 0.5) >= 0.1


@dataclass(frozen=True)
class Look:
    """What one split looks like: counts of all its pictures, measures of the sampled ones."""

    split: str
    names: tuple[str, ...]  # every file's, sampled or not
    labels: npt.NDArray[np.int64]  # (rows,) of every picture
    pictures: tuple[Picture, ...]  # sampled
    unreadable: tuple[str, ...]  # names of sampled files that cannot be decoded
    histograms: npt.NDArray[np.float64]  # (2 classes, 3 channels, 256), each sums to 1; every picture counts the same
    means: npt.NDArray[np.float64]  # (2 classes, MEAN_SIDE, MEAN_SIDE, 3), pictures squashed to that size, 0..255
    thumbnails: tuple[tuple[tuple[str, PillowImage.Image], ...], ...]  # per class: name, picture
    grey: bool  # whether red, green and blue are equal in every sampled picture

    @property
    def counts(self) -> tuple[int, int]:
        """How many pictures of class 0 and of class 1 the whole split has."""
        return int((self.labels == 0).sum()), int((self.labels == 1).sum())

    def values(self, number: str) -> npt.NDArray[np.float64]:
        """Return (sampled,) one number, named as in ``Picture``, of every sampled picture."""
        return np.array([getattr(picture, number) for picture in self.pictures], np.float64)

    @property
    def sampled_labels(self) -> npt.NDArray[np.int64]:
        """(sampled,) the label of every sampled picture."""
        return np.array([picture.label for picture in self.pictures], np.int64)

    def auc(self, number: str) -> Auc:
        """Return how well one number, named as in ``Picture``, alone predicts the label."""
        return single_number_auc(self.sampled_labels, self.values(number))

    def quality_counts(self) -> dict[str, tuple[int, int]]:
        """Return how many sampled pictures of class 0 and class 1 have each JPEG quality, or "lossless"."""
        count = Counter((picture.quality, picture.label) for picture in self.pictures)
        return {
            "lossless" if quality == NOT_JPEG else str(quality): (count[quality, 0], count[quality, 1])
            for quality in sorted({picture.quality for picture in self.pictures})
        }


@dataclass(frozen=True)
class Duplicates:
    """Sampled pictures that are equal pixel by pixel."""

    within: dict[str, int]  # split -> pictures that repeat another of the same split
    across: dict[tuple[str, str], int]  # two splits -> different pictures that are in both
    contradicting: int  # different pictures that carry both labels
    groups: tuple[tuple[tuple[str, Picture], ...], ...]  # the equal ones, with their splits


@dataclass(frozen=True)
class Patients:
    """What the file names tell of every picture, sampled or not."""

    patients: dict[str, int]  # split -> how many
    kinds: dict[str, Counter[str]]  # split -> pictures of each kind: normal, bacteria, virus
    across: dict[tuple[str, str], tuple[int, int]]  # two splits -> names in both; of these, with a kind in both


def single_number_auc(labels: npt.NDArray[np.int64], numbers: npt.NDArray[np.float64]) -> Auc:
    """Return the area under the ROC curve with the 95 % interval of Hanley & McNeil 1982; NaN without both classes."""
    ones, zeros = int((labels == 1).sum()), int((labels == 0).sum())
    if not ones or not zeros:
        return Auc(np.nan, np.nan, np.nan)
    area = float(roc_auc_score(labels, numbers))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (ones - 1) * (q1 - area**2) + (zeros - 1) * (q2 - area**2)
    margin = 1.96 * float(np.sqrt(max(variance, 0.0) / (ones * zeros)))
    return Auc(area, max(area - margin, 0.0), min(area + margin, 1.0))


def jpeg_quality(data: bytes) -> int:
    """Return the quality, 1..100, at which libjpeg's luminance table (ITU-T T.81, K.1, scaled) is nearest the file's.

    A file that is no JPEG, lossless or not, has ``NOT_JPEG``.
    """
    with PillowImage.open(io.BytesIO(data)) as image:
        tables: dict[int, list[int]] = getattr(image, "quantization", {})
    if not tables:
        return NOT_JPEG
    distances = np.abs(_luminance_tables() - np.asarray(tables[min(tables)])).sum(axis=1)
    return int(distances.argmin()) + 1


@cache
def _luminance_tables() -> npt.NDArray[np.int64]:
    """(100, 64), row q - 1 is what libjpeg writes at quality q."""
    rows = []
    for quality in range(1, 101):
        buffer = io.BytesIO()
        PillowImage.new("L", (8, 8)).save(buffer, "JPEG", quality=quality)
        with PillowImage.open(buffer) as image:
            rows.append(image.quantization[0])  # type: ignore[attr-defined]
    return np.array(rows, np.int64)


def look_at(source: Source, split: Split, data: str | None = None, sample: int = SAMPLE, seed: int = SEED) -> Look:
    """Return what one split looks like.

    Args:
        source: the data set.
        split: "train", "validation" or "test", as training sees them.
        data: a local folder of the same schema (default: the Hub).
        sample: how many pictures, drawn at random, are decoded at most.
        seed: of that draw.
    """
    dataset = load_split(source, split, data).cast_column("image", Image(decode=False))
    labels = np.asarray(dataset["labels"], np.int64)
    # Without the bytes: the names of all pictures take megabytes, the pictures gigabytes.
    paths = dataset.select_columns(["image"]).flatten().select_columns(["image.path"])["image.path"]
    names = tuple(Path(path).name if path else f"row {row}" for row, path in enumerate(paths))
    random = np.random.default_rng(seed)
    rows = random.permutation(len(dataset))[:sample]
    shown = {int(row) for label in (0, 1) for row in rows[labels[rows] == label][:SHOWN]}

    pictures, unreadable, grey = [], [], True
    histograms, means = np.zeros((2, 3, 256)), np.zeros((2, MEAN_SIDE, MEAN_SIDE, 3))
    thumbnails: tuple[list[tuple[str, PillowImage.Image]], ...] = ([], [])
    for row in tqdm(np.sort(rows).tolist(), desc=split, unit="picture"):
        stored = dataset[row]["image"]
        content = stored["bytes"] or Path(stored["path"]).read_bytes()
        label = int(labels[row])
        try:
            picture = decode(content).picture
        except InputError:
            unreadable.append(names[row])
            continue
        pixels = np.asarray(picture)  # (H, W, 3) uint8
        counts = np.stack([np.bincount(pixels[..., channel].ravel(), minlength=256) for channel in range(3)])
        levels = counts.sum(axis=0) / counts.sum()
        brightness = float(levels @ np.arange(256))
        pictures.append(
            Picture(
                name=names[row],
                label=label,
                width=picture.width,
                height=picture.height,
                bytes_per_pixel=len(content) / (picture.width * picture.height),
                quality=jpeg_quality(content),
                brightness=brightness,
                contrast=float(np.sqrt(levels @ (np.arange(256) - brightness) ** 2)),
                digest=hashlib.sha256(f"{picture.size}".encode() + pixels.tobytes()).hexdigest(),
            )
        )
        histograms[label] += counts / pixels[..., 0].size
        means[label] += np.asarray(picture.resize((MEAN_SIDE, MEAN_SIDE), PillowImage.Resampling.BOX), np.float64)
        grey = grey and bool((pixels == pixels[..., :1]).all())
        if row in shown:
            picture.thumbnail((THUMBNAIL, THUMBNAIL))
            thumbnails[label].append((names[row], picture))
    sampled = np.bincount([picture.label for picture in pictures], minlength=2).clip(min=1)
    return Look(
        split,
        names,
        labels,
        tuple(pictures),
        tuple(unreadable),
        histograms / sampled[:, None, None],
        means / sampled[:, None, None, None],
        tuple(map(tuple, thumbnails)),
        grey,
    )


def find_duplicates(looks: Sequence[Look]) -> Duplicates:
    """Return which sampled pictures are equal pixel by pixel, within a split and across splits."""
    by_digest: dict[str, list[tuple[str, Picture]]] = defaultdict(list)
    for look in looks:
        for picture in look.pictures:
            by_digest[picture.digest].append((look.split, picture))
    digests = {look.split: {picture.digest for picture in look.pictures} for look in looks}
    groups = tuple(tuple(group) for group in by_digest.values() if len(group) > 1)
    return Duplicates(
        within={look.split: len(look.pictures) - len(digests[look.split]) for look in looks},
        across={(a, b): len(digests[a] & digests[b]) for a, b in combinations(digests, 2)},
        contradicting=sum(len({picture.label for _, picture in group}) > 1 for group in groups),
        groups=groups,
    )


def find_patients(looks: Sequence[Look]) -> Patients:
    """Return how many patients each split has, of which kinds its pictures are, and which patients are in two splits.

    Raises:
        ValueError: if a file name does not tell its patient.
    """
    named = {look.split: {patient_of(name) for name in look.names} for look in looks}
    with_kinds = {look.split: {(patient_of(name), kind_of(name)) for name in look.names} for look in looks}
    return Patients(
        patients={split: len(found) for split, found in named.items()},
        kinds={look.split: Counter(kind_of(name) for name in look.names) for look in looks},
        across={
            (a, b): (len(named[a] & named[b]), len({patient for patient, _ in with_kinds[a] & with_kinds[b]}))
            for a, b in combinations(named, 2)
        },
    )
