"""What splits of a data set share: equal images, and patients by their file names."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from training.data.splits import kind_of, patient_of
from training.measure.file_statistics import FileStatistics, SplitStatistics


@dataclass(frozen=True)
class Duplicates:
    """Sampled images that are equal pixel by pixel."""

    within: dict[str, int]  # split -> images that repeat another of the same split
    across: dict[tuple[str, str], int]  # two splits -> different images that are in both
    contradicting: int  # different images that carry both labels
    groups: tuple[tuple[tuple[str, FileStatistics], ...], ...]  # equal images, each with its split


@dataclass(frozen=True)
class Patients:
    """Patients and kinds in the file names of all images, sampled or not."""

    patients: dict[str, int]  # split -> number of patients
    kinds: dict[str, Counter[str]]  # split -> images of each kind: normal, bacteria, virus
    across: dict[tuple[str, str], tuple[int, int]]  # two splits -> patients in both; those with a kind in both


def find_duplicates(splits: Sequence[SplitStatistics]) -> Duplicates:
    """Return which sampled images are equal pixel by pixel, within a split and across splits."""
    by_digest: dict[str, list[tuple[str, FileStatistics]]] = defaultdict(list)
    for split in splits:
        for image in split.images:
            by_digest[image.digest].append((split.split, image))
    digests = {split.split: {image.digest for image in split.images} for split in splits}
    groups = tuple(tuple(group) for group in by_digest.values() if len(group) > 1)
    return Duplicates(
        within={split.split: len(split.images) - len(digests[split.split]) for split in splits},
        across={(a, b): len(digests[a] & digests[b]) for a, b in combinations(digests, 2)},
        contradicting=sum(len({image.label for _, image in group}) > 1 for group in groups),
        groups=groups,
    )


def find_patients(splits: Sequence[SplitStatistics]) -> Patients:
    """Return the number of patients per split, the kinds of their images, and the patients in two splits.

    Raises:
        ValueError: if a file name names no patient.
    """
    named = {split.split: {patient_of(name) for name in split.names} for split in splits}
    with_kinds = {split.split: {(patient_of(name), kind_of(name)) for name in split.names} for split in splits}
    return Patients(
        patients={split: len(found) for split, found in named.items()},
        kinds={split.split: Counter(kind_of(name) for name in split.names) for split in splits},
        across={
            (a, b): (len(named[a] & named[b]), len({patient for patient, _ in with_kinds[a] & with_kinds[b]}))
            for a, b in combinations(named, 2)
        },
    )
