"""The pointing game on half films: the left half of one film beside the right half of another, one with the finding.

The score is the share of positive evidence in the half of the film with the finding, 0.5 by chance. A half film is as
large as a film and looks like one, so the exported model itself is measured, ensembles and flips included. As in the
grid pointing game (Böhle et al. 2021), pairs are of the most confident correct films or drawn from all.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from PIL import Image

from training.measure.intervals import SEED, Floats, MeanEstimate, estimate_mean

Integers = npt.NDArray[np.integer]


@dataclass(frozen=True)
class HalfFilms:
    """Pairs of films, and in which half the finding is."""

    left: Integers  # (count,) rows of the films whose left half is on the left
    right: Integers  # (count,) rows of the films whose right half is on the right
    finding_on_right: npt.NDArray[np.bool_]  # (count,)


@dataclass(frozen=True)
class HalfFilmGame(MeanEstimate):
    """The mean share of positive evidence in the half with the finding, with its 95 % interval over half films."""

    films: int
    empty: int  # films whose map has no positive evidence; each scores 0


def half_films(labels: Integers, count: int, seed: int = SEED) -> HalfFilms:
    """Return ``count`` pairs of one film with the finding and one without; they depend on the arguments only.

    All films of a class are used before one is used again; the finding is on either side equally often.

    Args:
        labels: (N,) 0 or 1, both present.
        count: number of pairs.
        seed: of pairs and sides.
    """
    random = np.random.default_rng(seed)
    with_finding, without = (np.resize(random.permutation(np.flatnonzero(labels == label)), count) for label in (1, 0))
    on_right = random.permutation(np.arange(count) % 2 == 1)
    return HalfFilms(np.where(on_right, without, with_finding), np.where(on_right, with_finding, without), on_right)


def compose(left: Image.Image, right: Image.Image) -> Image.Image:
    """Return the left half of one RGB film beside the right half of another, which takes the first one's size."""
    joined = left.copy()
    middle = left.width // 2
    joined.paste(right.resize(left.size).crop((middle, 0, *left.size)), (middle, 0))
    return joined


def half_film_images(dataset: Dataset, chosen: HalfFilms) -> Dataset:
    """Return the composed films with columns ``image`` and ``labels``, which are all 1."""
    rows = [
        compose(dataset[int(left)]["image"].convert("RGB"), dataset[int(right)]["image"].convert("RGB"))
        for left, right in zip(chosen.left, chosen.right, strict=True)
    ]
    return Dataset.from_dict({"image": rows, "labels": [1] * len(rows)})


def score(heatmaps: Floats, finding_on_right: npt.NDArray[np.bool_], seed: int = SEED) -> HalfFilmGame:
    """Return the score of (N, h, w) maps of half films; a column in the middle belongs to both halves equally."""
    positive = np.maximum(heatmaps, 0, dtype=np.float64).sum(1)  # (N, w)
    width = positive.shape[1]
    in_right = np.clip(np.arange(1, width + 1) - width / 2, 0, 1)  # share of each column in the right half
    total, right = positive.sum(1), positive @ in_right
    in_half = np.where(finding_on_right, right, total - right)
    shares = np.divide(in_half, total, out=np.zeros(len(total)), where=total > 0)
    return HalfFilmGame(**vars(estimate_mean(shares, seed)), films=len(shares), empty=int((total <= 0).sum()))
