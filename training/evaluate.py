"""Measures a model folder: python -m training evaluate pcam-resnet18 [--data FOLDER] [--external FOLDER]

Runs the ONNX files as the app does, on validation, corrupted validation, test and, for chest X-rays, an external data
set. Writes ``predictions.csv``, ``evaluation.json`` and plots into the model folder; no other command changes them.
``python -m training report`` renders the card from them. Thresholds and calibration are read from ``config.json``:
nothing is chosen here.
"""

import argparse
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from datasets import Dataset, Image
from PIL import Image as PillowImage

from overread.catalogue import MODELS_FOLDER
from overread.flips import AS_IT_IS
from overread.model_folder import CONFIG_FILE, OperatingPoint
from overread.probability import sigmoid
from overread.reported_figures import EVALUATION_FILE
from training.data.data_sets import CHEST_XRAY_PNEUMONIA, NIH_CHEST_XRAY
from training.data.splits import file_names, kind_of, load_split
from training.measure import plots
from training.measure.calibration import Calibration
from training.measure.heatmap_quality import delete_and_insert, play_pointing_game
from training.measure.intervals import RESAMPLES, proportion
from training.measure.jpeg_quality import NOT_JPEG, jpeg_quality
from training.measure.metrics import BINS, measure, subgroup_auc
from training.measure.predictions import Part, Predictions, Predictor, write_predictions
from training.recipes.ensembles import ENSEMBLES, EnsembleRecipe
from training.recipes.nets import RECIPES, Recipe

MOSAICS = {"histopathology": 100, "chest-xray": 24}  # 448 px mosaics take a CPU seconds each
PERTURBED = 12  # images whose deletion and insertion curves are drawn
FIGURES = "figures"

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]

SPLITS: tuple[Literal["validation", "test"], ...] = ("validation", "test")


def evaluate(
    recipe: Recipe | EnsembleRecipe,
    data: str | None = None,
    external: str | None = None,
    runs: Path = Path("runs"),
    models: Path = MODELS_FOLDER,
    mosaics: int | None = None,
    perturbed: int = PERTURBED,
) -> dict[str, Any]:
    """Return what is written to ``evaluation.json`` of a model folder.

    Args:
        recipe: of the exported model.
        data: a local folder in the data set's schema (default: the Hub).
        external: a local folder of the NIH sample; without it a chest X-ray model has no external figures.
        runs: holds the prediction cache.
        models: the folder of model folders.
        mosaics: number of mosaics in the pointing game (default: ``MOSAICS`` of the domain).
        perturbed: number of images in the deletion and insertion curves.
    """
    folder = models / recipe.name
    predictor = Predictor(folder, runs)
    datasets: dict[Part, Dataset] = {split: load_split(recipe.source, split, data) for split in SPLITS}
    parts = {part: predictor.predictions(dataset, part) for part, dataset in datasets.items()}
    if recipe.source.validates_on_corrupted:
        parts["corrupted"] = predictor.predictions(datasets["validation"], "corrupted")
    if external:
        parts["external"] = predictor.predictions(load_split(NIH_CHEST_XRAY, "test", external), "external")
    parts = {part: parts[part] for part in get_args(Part) if part in parts}
    write_predictions(folder, parts)

    config = predictor.classifier.config
    points = list(config.operating_points.values())
    fitted = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["overread"]["calibration"]
    calibration = Calibration(fitted["slope"], fitted["intercept"])
    views = config.ensemble.views if config.ensemble else (AS_IT_IS,)
    members = [recipe] if isinstance(recipe, Recipe) else [RECIPES[member] for member in recipe.members]
    result: dict[str, Any] = {
        "model": recipe.name,
        "sha256": predictor.classifier.identity.sha256,
        "dataset": recipe.source.dataset,
        "intervals": f"95 %; AUC, average precision and F1: percentile bootstrap with {RESAMPLES} resamples of "
        "images; proportions: Wilson",
        "calibration_bins": BINS,
        "test_files": describe_files(datasets["test"]),
        **metrics_of(parts, points, calibration),
    }
    if recipe.source is CHEST_XRAY_PNEUMONIA:
        kinds = np.asarray([kind_of(file) for file in file_names(datasets["test"])])
        result["kinds"] = subgroup_auc(parts["test"].labels, parts["test"].probabilities, kinds, points)
    result["pointing_game"] = {
        # The peer, eight times as slow, plays one split.
        split: play_pointing_game(
            members,
            views,
            models,
            dataset,
            parts[split].log_odds,
            mosaics or MOSAICS[recipe.source.domain],
            with_peer=len(members) == 1 and split == "validation",
        )
        for split, dataset in datasets.items()
    }
    result["perturbation"] = delete_and_insert(predictor.classifier, datasets["test"], perturbed)
    (folder / EVALUATION_FILE).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    draw(result, parts, points, calibration, folder / FIGURES)
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
    if "external" in parts:
        external = measure(parts["external"].labels, parts["external"].probabilities, list(points))
        found["external"] = {"dataset": NIH_CHEST_XRAY.dataset, **external}
    return found


def uncalibrated(predictions: Predictions, calibration: Calibration) -> npt.NDArray[np.float64]:
    """Return (N,) the probabilities before calibration."""
    return sigmoid((predictions.log_odds - calibration.intercept) / calibration.slope)


def describe_files(dataset: Dataset) -> dict[str, list[int]]:
    """Return the smallest and largest width and height (px) and JPEG quality (1..100) among a data set's files.

    The range of qualities is empty where a file is no JPEG.
    """
    stored = dataset.cast_column("image", Image(decode=False))["image"]
    contents = [image["bytes"] or Path(image["path"]).read_bytes() for image in stored]
    sizes = np.array([PillowImage.open(io.BytesIO(content)).size for content in contents])
    qualities = [jpeg_quality(content) for content in contents]
    return {
        "width": [int(sizes[:, 0].min()), int(sizes[:, 0].max())],
        "height": [int(sizes[:, 1].min()), int(sizes[:, 1].max())],
        "jpeg_quality": [] if NOT_JPEG in qualities else [min(qualities), max(qualities)],
    }


def draw(
    result: dict[str, Any],
    parts: Mapping[Part, Predictions],
    points: Sequence[OperatingPoint],
    calibration: Calibration,
    to: Path,
) -> None:
    """Write the plots of the model card into a folder.

    Args:
        result: what ``evaluate`` returns.
        parts: the predictions.
        points: the model's operating points.
        calibration: folded into the predictions.
        to: the folder, made where missing.
    """
    to.mkdir(exist_ok=True)
    shown: dict[str, tuple[Labels, Floats]] = {
        part: (made.labels, made.probabilities) for part, made in parts.items() if part != "corrupted"
    }
    plots.roc_and_pr(shown, list(points), to / "roc.png")
    calibrations: dict[str, tuple[Labels, Floats]] = {}
    for part in SPLITS:
        calibrations[f"{part}, before calibration"] = (parts[part].labels, uncalibrated(parts[part], calibration))
        calibrations[part] = shown[part]
    plots.reliability(calibrations, to / "reliability.png")
    plots.confusions(result["splits"]["test"]["operating_points"], to / "confusion.png")
    orders = ("deletion", "insertion", "random_deletion", "random_insertion")
    means = {order.replace("_", " "): np.asarray(result["perturbation"][order]["probabilities"]) for order in orders}
    plots.curves(means, to / "perturbation.png")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("model", choices=sorted({**RECIPES, **ENSEMBLES}), metavar="MODEL")
    parser.add_argument("--external", metavar="FOLDER", help="a local folder of the NIH sample, for chest X-ray models")


def run(options: argparse.Namespace) -> None:
    """Evaluate the model and print its test metrics."""
    recipe = RECIPES.get(options.model) or ENSEMBLES[options.model]
    result = evaluate(recipe, options.data, options.external, options.runs, options.models)
    print(json.dumps(result["splits"]["test"], indent=1))
