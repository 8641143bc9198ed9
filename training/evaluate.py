"""Measures a model folder: python -m training evaluate pcam-resnet18 [--data FOLDER]

Runs the ONNX files as the app does, on validation, corrupted validation and test. Chest models are measured on films
that radiologists read as well (--external), with lung masks (--lungs) and on full-size films (--full-size). Writes
``predictions.csv``, ``evaluation.json`` and plots into the model folder; no other command changes them.
``python -m training report`` renders the card from them. Thresholds and calibration are read from ``config.json``:
nothing is chosen here.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from datasets import Dataset

from overread.catalogue import MODELS_FOLDER
from overread.flips import AS_IT_IS
from overread.model_folder import CONFIG_FILE, OperatingPoint
from overread.reported_figures import EVALUATION_FILE
from training.data.data_sets import CHEST_XRAY_PNEUMONIA
from training.data.splits import file_names, kind_of, load_split
from training.data.validation_set import validation_images
from training.measure.calibration import Calibration
from training.measure.evaluation_plots import draw, uncalibrated
from training.measure.file_ranges import describe_files
from training.measure.film_figures import FilmData, measure_films
from training.measure.heatmap_quality import delete_and_insert, play_pointing_game
from training.measure.intervals import RESAMPLES, proportion
from training.measure.metrics import BINS, measure, subgroup_auc
from training.measure.predictions import Part, Predictions, Predictor, write_predictions
from training.measure.resampling import measure_filters
from training.recipes.nets import ENSEMBLES, RECIPES
from training.recipes.recipe import EnsembleRecipe, Recipe

FIGURES = "figures"
ONE_SIDED = "one-sided"  # folder in runs
FULL_SIZE_EXAMPLES = Path(__file__).parents[1] / "examples" / "chest-xray"

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]

SPLITS: tuple[Literal["validation", "test"], ...] = ("validation", "test")


def evaluate(
    recipe: Recipe | EnsembleRecipe,
    data: str | None = None,
    films: FilmData | None = None,
    runs: Path = Path("runs"),
    models: Path = MODELS_FOLDER,
    mosaics: int | None = None,
    perturbed: int | None = None,
) -> dict[str, Any]:
    """Return what is written to ``evaluation.json`` of a model folder.

    Args:
        recipe: of the exported model.
        data: a local folder in the data set's schema (default: the Hub).
        films: what a chest X-ray model is measured on beside its data set.
        runs: holds the prediction cache.
        models: the folder of model folders.
        mosaics: number of mosaics in the pointing game (default: the data set's).
        perturbed: number of images in the deletion and insertion curves (default: the data set's).
    """
    folder = models / recipe.name
    predictor = Predictor(folder, runs)
    datasets: dict[Part, Dataset] = {
        "validation": validation_images(recipe.source, data).dataset,
        "test": load_split(recipe.source, "test", data),
    }
    parts = {part: predictor.predictions(dataset, part) for part, dataset in datasets.items()}
    if recipe.source.validates_on_corrupted:
        parts["corrupted"] = predictor.predictions(datasets["validation"], "corrupted")
    own = {split: load_split(recipe.source, split, data) for split in ("train", "validation", "test")}
    film_figures: dict[str, Any] = {}
    if films:
        film_figures, external = measure_films(predictor, own, films, mosaics)
        if external:
            parts["external"] = external
    parts = {part: parts[part] for part in get_args(Part) if part in parts}
    write_predictions(folder, parts)

    config = predictor.classifier.config
    points = list(config.operating_points.values())
    fitted = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["overread"]["calibration"]
    calibration = Calibration(fitted["slope"], fitted["intercept"])
    views = config.ensemble.views if config.ensemble else (AS_IT_IS,)
    weights = config.ensemble.weights if config.ensemble else {recipe.name: 1.0}
    members = [recipe] if isinstance(recipe, Recipe) else [RECIPES[member] for member in weights]
    files = describe_files(datasets["test"])
    result: dict[str, Any] = {
        "model": recipe.name,
        "sha256": predictor.classifier.identity.sha256,
        "dataset": recipe.source.dataset,
        "intervals": f"95 %; AUC, average precision and F1: percentile bootstrap with {RESAMPLES} resamples of "
        "images; proportions: Wilson",
        "calibration_bins": BINS,
        "test_files": files,
        **metrics_of(parts, points, calibration),
        "resampling": measure_filters(predictor, datasets["test"], files),
        **film_figures,
    }
    strata = np.asarray(datasets["validation"]["stratum"])  # each hospital, and view where the hospital has views
    if len(np.unique(strata)) > 1:
        result["validation_by_stratum"] = by_group(parts["validation"], strata, points)
    if recipe.source is CHEST_XRAY_PNEUMONIA:
        kinds = np.asarray([kind_of(file) for file in file_names(datasets["test"])])
        result["kinds"] = subgroup_auc(parts["test"].labels, parts["test"].probabilities, kinds, points)
    result["pointing_game"] = {
        # The peer, eight times as slow, plays one split.
        split: play_pointing_game(
            members,
            list(weights.values()),
            views,
            models,
            own[split],
            parts[split].log_odds[: len(own[split])],  # a second hospital's films come after the first one's
            mosaics or recipe.source.mosaics,
            with_peer=len(members) == 1 and split == "validation",
        )
        for split in SPLITS
    }
    result["perturbation"] = delete_and_insert(
        predictor.classifier, datasets["test"], perturbed or recipe.source.perturbed
    )
    (folder / EVALUATION_FILE).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    draw(result, parts, config, calibration, folder / FIGURES)
    return result


def metrics_of(
    parts: Mapping[Part, Predictions], points: Sequence[OperatingPoint], calibration: Calibration
) -> dict[str, Any]:
    """Return the metrics of a model's predictions, as they stand in ``evaluation.json``; runs no model.

    Args:
        parts: validation and test, and what else there is.
        points: the model's operating points.
        calibration: folded into the predictions; is undone for the figures before calibration.
    """
    found: dict[str, Any] = {
        "splits": {
            part: measure(
                parts[part].labels, parts[part].probabilities, list(points), uncalibrated(parts[part], calibration)
            )
            for part in SPLITS
        }
    }
    if "corrupted" in parts:
        clean, corrupted = parts["validation"].probabilities, parts["corrupted"].probabilities
        threshold = found["splits"]["validation"]["operating_points"]["balanced"]["threshold"]
        agreeing = int(((corrupted >= threshold) == (clean >= threshold)).sum())
        found["corrupted_validation"] = {
            **measure(parts["corrupted"].labels, corrupted, list(points)),
            "agreement": proportion(agreeing, len(clean)),  # of decisions at the balanced threshold
        }
    return found


def by_group(
    predictions: Predictions, groups: npt.NDArray[np.str_], points: Sequence[OperatingPoint]
) -> dict[str, dict[str, Any]]:
    """Return the metrics within each group of images, such as each hospital's; ``groups`` is (N,)."""
    return {
        str(group): measure(
            predictions.labels[groups == group], predictions.probabilities[groups == group], list(points)
        )
        for group in dict.fromkeys(groups.tolist())
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("model", choices=sorted({**RECIPES, **ENSEMBLES}), metavar="MODEL")
    chest = parser.add_argument_group("for chest X-ray models")
    chest.add_argument("--external", metavar="FOLDER", help="local folder of the films that radiologists read")
    chest.add_argument("--lungs", metavar="FOLDER", help="local folder of the lung masks")
    chest.add_argument(
        "--full-size",
        metavar="FOLDER",
        type=Path,
        action="append",
        default=[FULL_SIZE_EXAMPLES],
        help="full-size films of the data set, besides the examples",
    )


def run(options: argparse.Namespace) -> None:
    """Evaluate the model and print its test metrics."""
    recipe = RECIPES.get(options.model) or ENSEMBLES[options.model]
    chest = recipe.source is CHEST_XRAY_PNEUMONIA
    films = FilmData(options.external, options.lungs, options.full_size, options.runs / ONE_SIDED) if chest else None
    result = evaluate(recipe, options.data, films, options.runs, options.models)
    print(json.dumps(result["splits"]["test"], indent=1))
