"""Fits the guards of both domains: python -m training fit-guard [--films FOLDER] [--patches FOLDER] --adults FOLDER

A guard tells images of the kind that a model learned from, other images of the same subject, and everything else by the
statistics of the pixels. Gaussians are fitted on train, limits chosen on validation: 1 % of each source's validation
images are not of their kind. No label is used. Writes ``guard.npz``, the same for all models of a domain, into their
folders and pins it in ``models/catalogue.json``.
"""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from datasets import Dataset, load_dataset
from PIL import Image
from sklearn.covariance import LedoitWolf
from sklearn.model_selection import GroupKFold
from tqdm import tqdm

from overread.catalogue import CATALOGUE_FILE, Domain, catalogue, pin_files
from overread.guard import Guard, Kind, Part, Subject
from overread.guard_file import write_guard
from overread.model_folder import GUARD_FILE, sha256_of
from overread.pixel_statistics import PixelStatistics, pixel_statistics
from training.data.corruption import corrupt
from training.data.data_sets import CHEST_XRAY_PNEUMONIA, NIH_CHEST_XRAY, PATCH_CAMELYON
from training.data.splits import load_split

FIT_IMAGES = 6000  # drawn from train; more do not change a covariance of 64 statistics
REFUSED = 0.01  # of a source's validation images, not of its kind
FOLDS = 8  # where a source is too small to be split: limits from held-out patients
SMALLEST_DEVIATION = 1e-3  # a statistic that is the same in all images counts as if it varied by this
SEED = 2026

Statistics = list[PixelStatistics]
Floats = npt.NDArray[np.floating]

FILM_PARTS: tuple[Part, ...] = ("grey", "layout")
PATCH_PARTS: tuple[Part, ...] = ("grey", "colour")
FILM = Subject(
    name="a frontal chest film",
    grey=True,
    has_top=True,
    least_contrast=0.08,  # the least of 5,000 films, damaged ones included, has 0.13
    modalities=("CR", "DX", "RF", "XA"),
    body_part="the chest",
)
PATCH = Subject(
    name="a stained section of a lymph node at 10x",
    grey=False,
    has_top=False,
    least_contrast=0.012,  # patches of fat and glass are nearly blank, too
    modalities=("SM", "GM", "XC"),
)
CHILDREN = (1, 5)  # years of age (Kermany et al. 2018)
ELSEWHERE = (
    "This film is unlike most of those that the model learned from, of children at one hospital and adults at another."
)
DAMAGED = "Exposure, sharpness or framing of this film are unusual."
MAGNIFIED = "This looks magnified or blurred; the model learned from tissue at 10x (0.97 µm per pixel)."


def fit_kind(
    name: str,
    parts: tuple[Part, ...],
    train: Floats,
    validation: Floats,
    unfamiliar: float = REFUSED,
    warning: str = "",
) -> Kind:
    """Return the Gaussian of the training images with limits from the validation images.

    The covariance is that of Ledoit & Wolf (2004), of standardised statistics.

    Args:
        name: with an article, such as "a chest film".
        parts: of ``PixelStatistics``.
        train: (N, D) statistics.
        validation: (M, D) statistics.
        unfamiliar: proportion of the validation images that exceed the familiar limit.
        warning: see ``Kind``.
    """
    mean, precision = gaussian(train)
    familiar, limit = np.quantile(squared_distances(validation, mean, precision), (1 - unfamiliar, 1 - REFUSED))
    return Kind(name, parts, mean, precision, float(familiar), float(limit), warning)


def fit_small_kind(
    name: str,
    parts: tuple[Part, ...],
    images: Floats,
    patients: Sequence[object],
    unfamiliar: float = REFUSED,
    warning: str = "",
) -> Kind:
    """Return the Gaussian of all images of a source, with limits from cross-validation over its patients.

    Arguments as for ``fit_kind``; ``images`` are (N, D) statistics and ``patients`` says whose each is.
    """
    held_out = np.zeros(len(images))
    for train, validation in GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(images, groups=patients):
        held_out[validation] = squared_distances(images[validation], *gaussian(images[train]))
    mean, precision = gaussian(images)
    familiar, limit = np.quantile(held_out, (1 - unfamiliar, 1 - REFUSED))
    return Kind(name, parts, mean, precision, float(familiar), float(limit), warning)


def gaussian(rows: Floats) -> tuple[Floats, Floats]:
    """Return the mean, (D,), and the precision, (D, D), of (N, D) statistics."""
    mean = rows.mean(axis=0)
    deviation = np.maximum(rows.std(axis=0), SMALLEST_DEVIATION)
    precision = LedoitWolf(assume_centered=True).fit((rows - mean) / deviation).precision_
    return mean, precision / np.outer(deviation, deviation)


def squared_distances(rows: Floats, mean: Floats, precision: Floats) -> Floats:
    """Return (N,) squared Mahalanobis distances."""
    return np.einsum("nd,de,ne->n", rows - mean, precision, rows - mean)


def features(found: Iterable[PixelStatistics], parts: Sequence[Part]) -> Floats:
    """Return (N, D), the named parts of each image's statistics."""
    return np.array([np.concatenate([getattr(statistics, part) for part in parts]) for statistics in found])


def with_mirrored(found: Statistics) -> Statistics:
    """Return the statistics of the images and of their mirror images: nets are trained on both."""
    return [*found, *(statistics.mirrored() for statistics in found)]


def magnify(image: Image.Image, row: int) -> Image.Image:
    """Return a part of a square image, enlarged to its size, by a factor of 1.2 to 4 that the row number draws."""
    random = np.random.default_rng((SEED, row))
    side = int(image.width / 2 ** random.uniform(0.3, 2.0))
    left, top = (int(value) for value in random.integers(0, image.width + 1 - side, 2))
    return image.resize(image.size, Image.Resampling.BICUBIC, (left, top, left + side, top + side))


def statistics_of(
    dataset: Dataset, title: str, change: Callable[[Image.Image, int], Image.Image] | None = None
) -> Statistics:
    """Return the statistics of at most ``FIT_IMAGES`` images of a data set, each changed as its row number says."""
    rows = np.random.default_rng(SEED).permutation(len(dataset))[:FIT_IMAGES]
    found = []
    for row in tqdm(np.sort(rows).tolist(), desc=title, unit="image"):
        image = dataset[row]["image"].convert("RGB")
        found.append(pixel_statistics(change(image, row) if change else image))
    return found


def fit_guards(films: str | None, patches: str | None, adults: str) -> dict[Domain, Guard]:
    """Return the guard of each domain.

    Args:
        films: a local folder of the children's films (default: the Hub).
        patches: a local folder of the patches (default: the Hub).
        adults: a local folder of the NIH sample.
    """
    film, patch = CHEST_XRAY_PNEUMONIA, PATCH_CAMELYON
    film_train, film_validation = load_split(film, "train", films), load_split(film, "validation", films)
    patch_train, patch_validation = load_split(patch, "train", patches), load_split(patch, "validation", patches)
    nih = load_dataset(adults, split=NIH_CHEST_XRAY.train_split)

    def of_films(dataset: Dataset, title: str, *change: Callable[[Image.Image, int], Image.Image]) -> Statistics:
        return with_mirrored(statistics_of(dataset, title, *change))

    children = fit_kind(
        "a chest film",
        FILM_PARTS,
        features(of_films(film_train, "films"), FILM_PARTS),
        features(statistics_of(film_validation, "validation films"), FILM_PARTS),
        unfamiliar=0.03,
        warning=ELSEWHERE,
    )
    adult_films = fit_small_kind(
        "a chest film",
        FILM_PARTS,
        features(of_films(nih, "films of adults"), FILM_PARTS),
        [*nih["patient"], *nih["patient"]],
        unfamiliar=0.03,
        warning=ELSEWHERE,
    )
    damaged = fit_kind(
        "a chest film",
        FILM_PARTS,
        features(of_films(film_train, "damaged films", corrupt), FILM_PARTS),
        features(statistics_of(film_validation, "damaged validation films", corrupt), FILM_PARTS),
        warning=DAMAGED,
    )
    tissue = fit_kind(
        "a stained tissue section",
        PATCH_PARTS,
        features(statistics_of(patch_train, "patches"), PATCH_PARTS),
        features(statistics_of(patch_validation, "validation patches"), PATCH_PARTS),
        unfamiliar=0.02,
    )
    magnified = fit_kind(
        "a stained tissue section",
        PATCH_PARTS,
        features(statistics_of(patch_train, "magnified patches", magnify), PATCH_PARTS),
        features(statistics_of(patch_validation, "magnified validation patches", magnify), PATCH_PARTS),
        warning=MAGNIFIED,
    )
    ages = [*CHILDREN, *(int(age) for age in nih["age"])]
    film_subject = replace(FILM, ages=(min(ages), max(ages)))
    learned, wider = (children, adult_films), (damaged,)  # damaged adults' films would let some faces pass
    return {
        "chest-xray": Guard(film_subject, learned, wider, (tissue, magnified)),
        "histopathology": Guard(PATCH, (tissue,), (magnified,), (*learned, *wider)),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("--films", metavar="FOLDER", help="a local folder of the children's films (default: the Hub)")
    parser.add_argument("--patches", metavar="FOLDER", help="a local folder of the patches (default: the Hub)")
    parser.add_argument("--adults", metavar="FOLDER", required=True, help="a local folder of the NIH sample")


def run(options: argparse.Namespace) -> None:
    """Fit both guards, write each into the folders of its domain's models and pin it there."""
    write_guards(fit_guards(options.films, options.patches, options.adults), options.models)


def write_guards(guards: Mapping[Domain, Guard], models: Path) -> None:
    """Write each guard into the folders of its domain's models, pin it in their catalogue, print the files."""
    catalogue_file = models / CATALOGUE_FILE.name
    for entry in catalogue(catalogue_file).values():
        if entry.domain not in guards:
            continue
        file = write_guard(guards[entry.domain], models / entry.name)
        digests = {**entry.sha256, GUARD_FILE: sha256_of(file)}
        pin_files(entry.name, entry.domain, digests, entry.members, file=catalogue_file)
        print(file)
