"""What is measured of chest models alone: readings, lungs, half films, crops, sizes, one-sided disease."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from training.data.lung_masks import kermany_lungs, mask_of
from training.data.splits import file_names, patient_of
from training.measure.cropping import measure_cropping
from training.measure.evidence_in_lungs import Mask, evidence_in_lungs
from training.measure.external import load_external, measure_external
from training.measure.half_films import half_film_images, half_films, score
from training.measure.one_sided import draw_sheet, evidence_in_brighter_lung, most_one_sided
from training.measure.pointing_game import most_confident_correct
from training.measure.predictions import Predictions, Predictor
from training.measure.resampling import LogOddsOf, compare_sizes

HALF_FILMS = 100  # as large as films: a CPU takes a tenth of a second for each


@dataclass(frozen=True)
class FilmData:
    """What chest models are measured on beside their own data set; None or empty: those figures are left out.

    Attributes:
        external: folder of the films that radiologists read.
        lungs: folder of the lung masks.
        full_size: folders of full-size films whose smaller versions are in the data set.
        sheets: folder for the contact sheet of one-sided films.
    """

    external: str | None
    lungs: str | None
    full_size: Sequence[Path]
    sheets: Path


def measure_films(
    predictor: Predictor, splits: dict[str, Dataset], data: FilmData, films: int | None = None
) -> tuple[dict[str, Any], Predictions | None]:
    """Return entries of ``evaluation.json``, and the predictions of the external films.

    Args:
        predictor: of the model.
        splits: train, validation and test of the model's data set, with file names; of one hospital.
        data: what else there is.
        films: number of half films (default: ``HALF_FILMS``).
    """
    found: dict[str, Any] = {
        "half_films": play_half_films(predictor, splits["test"], films or HALF_FILMS),
        "cropping": _cropping(predictor, splits["test"]),
    }
    if data.lungs:
        masks = kermany_lungs(data.lungs)
        found["evidence_in_lungs"] = {"test": _in_lungs(predictor, splits["test"], masks)}
        found["one_sided"] = _one_sided(predictor, splits["validation"], masks, data.sheets)
    if data.full_size:
        found["full_size"] = compare_sizes(
            _log_odds_of(predictor),
            data.full_size,
            {split: splits[split] for split in ("test", "train", "validation")},
        )
    if data.external is None:
        return found, None
    external = load_external(data.external)
    predicted = predictor.predictions(external, "external")
    points = list(predictor.classifier.config.operating_points.values())
    readings, views = (np.asarray(external[column]) for column in ("reading", "view"))
    return found | {"external": measure_external(readings, views, predicted.probabilities, points)}, predicted


def play_half_films(predictor: Predictor, dataset: Dataset, count: int) -> dict[str, Any]:
    """Return the scores on half films drawn from all films and from the most confident correct ones, ready for JSON."""
    labels = np.asarray(dataset["labels"])
    log_odds = predictor.predictions(dataset, "test").log_odds
    confident = dataset.select(most_confident_correct(log_odds, labels, count, count))
    games = {}
    for name, films in (("any", dataset), ("surest", confident)):
        chosen = half_films(np.asarray(films["labels"]), count)
        heatmaps = predictor.evidence(half_film_images(films, chosen), "half films").heatmap
        games[name] = asdict(score(heatmaps, chosen.finding_on_right))
    return games


def _log_odds_of(predictor: Predictor) -> LogOddsOf:
    return lambda images: predictor.classifier.evidence(images).log_odds


def _cropping(predictor: Predictor, dataset: Dataset) -> dict[str, Any]:
    return measure_cropping(
        _log_odds_of(predictor),
        [image.convert("RGB") for image in dataset["image"]],
        np.asarray(dataset["labels"]),
        predictor.predictions(dataset, "test").log_odds,
        predictor.classifier.config.operating_point(None).threshold,
    )


def masks_by_row(dataset: Dataset, masks: dict[str, Mask]) -> dict[int, Mask]:
    """Return the masks of a data set's films by row; films without one are left out."""
    found = {row: mask_of(name, masks) for row, name in enumerate(file_names(dataset)) if name}
    return {row: mask for row, mask in found.items() if mask is not None}


def _in_lungs(predictor: Predictor, dataset: Dataset, masks: dict[str, Mask]) -> dict[str, Any]:
    heatmaps = predictor.evidence(dataset, "test").heatmap
    return evidence_in_lungs(heatmaps, masks_by_row(dataset, masks), np.asarray(dataset["labels"]))


def _one_sided(predictor: Predictor, dataset: Dataset, masks: dict[str, Mask], sheets: Path) -> dict[str, Any]:
    labels, by_row = np.asarray(dataset["labels"]), masks_by_row(dataset, masks)
    films = [image.convert("RGB") for image in dataset["image"]]
    names = file_names(dataset)
    chosen = most_one_sided(films, by_row, labels, [patient_of(name) for name in names])
    shown, lungs = [films[row] for row in chosen.rows], [by_row[row] for row in chosen.rows]
    found = predictor.classifier.evidence(shown)
    captions = [
        f"{Path(names[row]).stem}, brighter {'left' if left else 'right'}, {log_odds:+.1f}"
        for row, left, log_odds in zip(chosen.rows, chosen.bright_on_left, found.log_odds, strict=True)
    ]
    config, name = predictor.classifier.config, predictor.classifier.identity.name
    draw_sheet(shown, found.heatmap, lungs, captions, config.heatmap.scale, sheets / f"{name}.png")
    figures = evidence_in_brighter_lung(found.heatmap, lungs, chosen.bright_on_left)
    return {"split": "validation", "names": [Path(names[row]).stem for row in chosen.rows], **figures}
