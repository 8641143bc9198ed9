"""Figures of a net in torch on the validation films of two hospitals, by which trainings are compared before export."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from overread.preprocessing import Preprocessing
from training.data.corruption import corrupt
from training.data.data_sets import Source, folder_beside
from training.data.lung_masks import kermany_lungs
from training.data.splits import load_split
from training.data.two_hospitals import load_hospitals
from training.measure.evidence_in_lungs import Mask, evidence_in_lungs
from training.measure.film_figures import masks_by_row
from training.measure.half_films import half_film_images, half_films, score
from training.measure.intervals import Floats
from training.measure.ranking import area_under_roc
from training.measure.torch_heatmaps import own_heatmap
from training.methods.heatmap_in_graph import HeatmapClassifier

HALF_FILMS = 160
SHARPENING = ImageFilter.UnsharpMask(radius=1, percent=60, threshold=0)  # a full-size film against a published one
QUANTILE = 0.95
BATCH = 32


@dataclass(frozen=True)
class ValidationFilms:
    """Validation films at a net's input size, decoded once for many nets.

    Attributes:
        pictures: ``clean`` and ``corrupted`` (N each, the first hospital's first), ``sharpened`` (those of the first
            hospital without the finding) and ``half films``.
        labels: (N,) 0 or 1.
        strata: (N,) hospital, and view where the hospital has views.
        lungs: drawn masks by row, of the first hospital.
        finding_on_right: of the half films.
        preprocess: resized the pictures.
    """

    pictures: dict[str, list[Image.Image]]
    labels: npt.NDArray[np.int64]
    strata: npt.NDArray[np.str_]
    lungs: dict[int, Mask]
    finding_on_right: npt.NDArray[np.bool_]
    preprocess: Preprocessing

    @property
    def first(self) -> npt.NDArray[np.bool_]:
        """(N,) whether a film is the first hospital's."""
        return self.strata == self.strata[0]


def load_validation_films(
    source: Source, preprocess: Preprocessing, data: str | None = None, pairs: int = HALF_FILMS
) -> ValidationFilms:
    """Return the validation films of a source and its second one.

    Args:
        source: names the second one and the masks.
        preprocess: of the nets.
        data: a local folder in the data set's schema, the others beside it (default: the Hub).
        pairs: number of half films, of the first hospital.
    """
    both, own = load_hospitals(source, "validation", data), load_split(source, "validation", data)
    films = [image.convert("RGB") for image in both["image"]]
    labels, strata = np.asarray(both["labels"], np.int64), np.asarray(both["stratum"])
    chosen = half_films(labels[: len(own)], pairs)
    normal = [film for film, label in zip(films[: len(own)], labels[: len(own)], strict=True) if not label]
    pictures = {
        "clean": films,
        "corrupted": [corrupt(film, row) for row, film in enumerate(films)],
        "sharpened": [film.filter(SHARPENING) for film in normal],
        "half films": [film.convert("RGB") for film in half_film_images(own, chosen)["image"]],
    }
    return ValidationFilms(
        {name: [preprocess.resize(picture) for picture in each] for name, each in pictures.items()},
        labels,
        strata,
        masks_by_row(own, kermany_lungs(folder_beside(data, source.masks))) if source.masks else {},
        chosen.finding_on_right,
        preprocess,
    )


def measure_net(net: HeatmapClassifier, films: ValidationFilms) -> dict[str, Any]:
    """Return a net's figures, ready for JSON.

    ``auc`` within each stratum, clean and corrupted; ``evidence_in_lungs`` and ``half_films`` of the first hospital;
    ``sharpening``, the 95 % quantile of the change of log-odds by an unsharp mask, over the distance between the
    classes' mean log-odds, so that nets of any calibration compare; ``log_odds`` of every film, clean and corrupted.
    """
    maps = {name: _heatmaps(net, pictures, films.preprocess) for name, pictures in films.pictures.items()}
    log_odds = {name: each.sum((1, 2), dtype=np.float64) + net.bias for name, each in maps.items()}
    first, labels = films.first, films.labels
    clean, own = log_odds["clean"][first], labels[first]
    change = np.abs(log_odds["sharpened"] - clean[own == 0])
    distance = clean[own == 1].mean() - clean[own == 0].mean()
    return {
        "auc": {
            str(stratum): {
                name: area_under_roc(labels[films.strata == stratum], log_odds[name][films.strata == stratum])
                for name in ("clean", "corrupted")
            }
            for stratum in dict.fromkeys(films.strata.tolist())
        },
        "evidence_in_lungs": evidence_in_lungs(maps["clean"][first], films.lungs, own),
        "half_films": asdict(score(maps["half films"], films.finding_on_right)),
        "sharpening": float(np.quantile(change, QUANTILE) / distance),
        "labels": labels.tolist(),
        "strata": films.strata.tolist(),
        "log_odds": {name: log_odds[name].tolist() for name in ("clean", "corrupted")},
    }


def _heatmaps(net: HeatmapClassifier, pictures: Sequence[Image.Image], preprocess: Preprocessing) -> Floats:
    heatmap_of = own_heatmap(net)
    starts = range(0, len(pictures), BATCH)
    return np.concatenate(
        [
            heatmap_of(np.stack([preprocess.normalise(picture) for picture in pictures[start : start + BATCH]]))
            for start in starts
        ]
    )
