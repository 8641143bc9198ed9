"""How much an answer depends on how an image was resized: by which filter, and by somebody before it was sent."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from PIL import Image
from scipy.stats import bootstrap

from overread.images import decode
from overread.probability import sigmoid
from training.data.splits import file_names
from training.measure.intervals import RESAMPLES, SEED, Estimate, Floats, proportion
from training.measure.predictions import Predictor

FILTERS = ("bicubic", "bilinear")
QUANTILE = 0.95
FILM_SUFFIXES = (".jpeg", ".jpg", ".png")

LogOddsOf = Callable[[list[Image.Image]], Floats]


def measure_filters(predictor: Predictor, dataset: Dataset, files: Mapping[str, list[int]]) -> dict[str, Any]:
    """Return how a model's answers differ between bicubic and bilinear resizing, at its default threshold.

    ``resized`` is whether any image had to be resized: else both filters give the same pixels.

    Args:
        predictor: of the model.
        dataset: its test split.
        files: smallest and largest ``width`` and ``height`` in the data set.
    """
    sizes = [{"width": [width] * 2, "height": [height] * 2} for width, height in predictor.input_sizes]
    resized = any({"width": files["width"], "height": files["height"]} != size for size in sizes)
    filters = FILTERS if resized else (None, None)  # the model's own answers, twice
    first, second = (predictor.evidence(dataset, "test", interpolation).log_odds for interpolation in filters)
    threshold = predictor.classifier.config.operating_point(None).threshold
    return {"resized": resized, **compare_filters(first, second, threshold)}


def compare_filters(first: Floats, second: Floats, threshold: float, seed: int = SEED) -> dict[str, Any]:
    """Return how answers differ between two filters: flipped decisions, and the 95 % quantile of the change.

    Args:
        first: (N,) log-odds of images resized by one filter.
        second: (N,) by another.
        threshold: on the probability, which decides.
        seed: of the bootstrap.
    """
    a, b = sigmoid(first), sigmoid(second)
    changes = np.abs(a - b)
    return {
        "filters": list(FILTERS),
        "images": len(changes),
        "threshold": threshold,
        "flipped": proportion(int(((a >= threshold) != (b >= threshold)).sum()), len(changes)),
        "change_95": _quantile(changes, seed),
        "largest_change": float(changes.max()),
    }


def compare_sizes(
    log_odds_of: LogOddsOf, folders: Sequence[Path], datasets: Mapping[str, Dataset]
) -> list[dict[str, Any]]:
    """Return, for each full-size film that a data set has in a smaller version, both log-odds and their difference.

    Args:
        log_odds_of: of RGB images.
        folders: of full-size films, searched with their sub-folders; a film counts once.
        datasets: by name of the split, with file names, which say what film a row is.
    """
    full_size: dict[str, Path] = {}
    for folder in folders:
        files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in FILM_SUFFIXES)
        full_size = {file.stem: file for file in files} | full_size
    rows = []
    for split, dataset in datasets.items():
        for row, name in enumerate(file_names(dataset)):
            if (file := full_size.get(Path(name).stem)) is None:
                continue
            stored, film = dataset[row]["image"].convert("RGB"), decode(file).picture
            small, full = (float(value) for value in log_odds_of([stored, film]))
            rows.append(
                {
                    "film": file.stem,
                    "split": split,
                    "label": int(dataset[row]["labels"]),
                    "full_size": list(film.size),
                    "stored_size": list(stored.size),
                    "log_odds_full_size": full,
                    "log_odds_stored": small,
                    "difference": full - small,
                }
            )
    return sorted(rows, key=lambda found: (found["split"], found["film"]))


def _quantile(values: Floats, seed: int) -> Estimate:
    def quantile(sample: Floats, axis: int) -> Floats:
        return np.quantile(sample, QUANTILE, axis=axis)

    if values.max() == values.min():
        return {"value": float(values[0]), "low": float(values[0]), "high": float(values[0])}
    interval = bootstrap(
        (values,), quantile, n_resamples=RESAMPLES, method="percentile", rng=seed, batch=100
    ).confidence_interval
    return {"value": float(np.quantile(values, QUANTILE)), "low": float(interval.low), "high": float(interval.high)}
