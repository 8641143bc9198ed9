"""Measures a finished model folder: python -m training.evaluate pcam-resnet18 [--data FOLDER] [--external FOLDER]

Runs the exported ONNX file through ``models/``, exactly as the app does, on validation, damaged validation, test and
(chest X-rays) an external set, plays the pointing game with its heat map, deletes and inserts what the map marks, and
writes ``evaluation.json``, plots and the model card; the cards of the data set's other models learn how they compare.
Nothing is chosen here: test is only reported.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overread.catalogue import MODELS_FOLDER
from overread.evaluation import EVALUATION_FILE
from overread.model_folder import CONFIG_FILE, OperatingPoint
from overread.views import AS_IT_IS
from training.data.data_sets import CHEST_XRAY_PNEUMONIA, NIH_CHEST_XRAY
from training.data.splits import Split, file_names, kind_of, load_split
from training.measure import plots
from training.measure.calibration import sigmoid
from training.measure.comparisons import compare_all
from training.measure.heatmap_quality import delete_and_insert, play_pointing_game
from training.measure.metrics import BINS, RESAMPLES, measure, proportion, subgroup_auc
from training.measure.predictions import Answers
from training.recipes.ensembles import ENSEMBLES, EnsembleRecipe
from training.recipes.nets import RECIPES, Recipe
from training.reports.model_card import update_readme

README = Path(__file__).parents[1] / "README.md"
MOSAICS = {"histopathology": 100, "chest-xray": 24}  # 448 px mosaics take a CPU seconds each
PERTURBED = 12  # pictures whose deletion and insertion curves are drawn

FIGURES = "figures"

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]
Curves = dict[str, tuple[Labels, Floats]]  # labels and probabilities of a set, by its name


def evaluate(
    recipe: Recipe | EnsembleRecipe,
    data: str | None = None,
    external: str | None = None,
    runs: Path = Path("runs"),
    weights: Path = MODELS_FOLDER,
    mosaics: int | None = None,
    perturbed: int = PERTURBED,
) -> dict[str, Any]:
    """Return what is written to ``evaluation.json`` of a model folder.

    Args:
        recipe: of the exported model.
        data: local folder in the data set's schema (default: the Hub).
        external: local folder of the NIH sample; without it a chest X-ray model has no external figures.
        runs: where it is kept what each model said of each picture.
        weights: where the model folders are.
        mosaics: number of mosaics in the pointing game (default: ``MOSAICS`` of the domain).
        perturbed: number of pictures in the deletion and insertion curves.
    """
    name, folder = recipe.name, weights / recipe.name
    answers = Answers(recipe, weights, runs)
    classifier = answers.classifier
    members = [recipe] if isinstance(recipe, Recipe) else [RECIPES[member] for member in recipe.members]
    views = classifier.config.ensemble.views if classifier.config.ensemble else (AS_IT_IS,)
    points = list(classifier.config.operating_points.values())
    calibration = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["overread"]["calibration"]
    result: dict[str, Any] = {
        "model": name,
        "sha256": classifier.identity.sha256,
        "dataset": recipe.source.dataset,
        "command": f"python -m training.evaluate {name}",
        "intervals": f"95 %; AUC, average precision and F1: percentile bootstrap with {RESAMPLES} resamples of "
        "pictures; proportions: Wilson",
        "calibration_bins": BINS,
        "splits": {},
    }
    splits: tuple[Split, ...] = ("validation", "test")
    datasets = {split: load_split(recipe.source, split, data) for split in splits}
    said: dict[str, Floats] = {split: answers.log_odds(dataset, split) for split, dataset in datasets.items()}
    curves: Curves = {}
    before: Curves = {}
    for split, dataset in datasets.items():
        labels, log_odds = np.asarray(dataset["labels"]), said[split]
        uncalibrated = sigmoid((log_odds - calibration["intercept"]) / calibration["slope"])
        result["splits"][split] = measure(labels, sigmoid(log_odds), points, uncalibrated)
        curves[split] = (labels, sigmoid(log_odds))
        before[f"{split}, before calibration"], before[split] = (labels, uncalibrated), curves[split]
        if split == "validation" and recipe.source.chosen_on_damaged:
            damaged = sigmoid(answers.log_odds(dataset, "damaged validation", damaged=True))
            result["damaged_validation"] = measure(labels, damaged, points)
            default = classifier.config.operating_point(None).threshold
            agreeing = (damaged >= default) == (sigmoid(log_odds) >= default)
            result["damaged_validation"]["agreement"] = proportion(int(agreeing.sum()), len(agreeing))
    test, (labels, probabilities) = datasets["test"], curves["test"]
    if recipe.source is CHEST_XRAY_PNEUMONIA:
        kinds = np.asarray([kind_of(file) for file in file_names(test)])
        result["kinds"] = subgroup_auc(labels, probabilities, kinds, points)
    if external:
        adults = load_split(NIH_CHEST_XRAY, "test", external)
        adult_labels, adult = np.asarray(adults["labels"]), sigmoid(answers.log_odds(adults, "external"))
        result["external"] = {"dataset": NIH_CHEST_XRAY.dataset, **measure(adult_labels, adult, points)}
        curves["external"] = (adult_labels, adult)
    count = mosaics or MOSAICS[recipe.source.domain]
    result["pointing_game"] = {
        # The peer, eight times as slow, plays one split.
        split: play_pointing_game(
            members, views, weights, dataset, said[split], count, with_peer=len(members) == 1 and split == "validation"
        )
        for split, dataset in datasets.items()
    }
    result["perturbation"] = delete_and_insert(classifier, test, perturbed)
    result["comparisons"] = {}  # of all the data set's models, once this one's figures are written
    (folder / EVALUATION_FILE).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    draw(result, curves, before, points, folder / FIGURES)
    compare_all(recipe, weights, runs, data)
    return json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))


def draw(result: dict[str, Any], curves: Curves, calibrations: Curves, points: list[OperatingPoint], to: Path) -> None:
    """Write the plots of the model card into a folder.

    Args:
        result: what ``evaluate`` returns.
        curves: labels and probabilities by set.
        calibrations: likewise, before calibration and after.
        points: the model's operating points.
        to: the folder.
    """
    to.mkdir(exist_ok=True)
    plots.roc_and_pr(curves, points, to / "roc.png")
    plots.reliability(calibrations, to / "reliability.png")
    plots.confusions(result["splits"]["test"]["operating_points"], to / "confusion.png")
    orders = ("deletion", "insertion", "random_deletion", "random_insertion")
    means = {order.replace("_", " "): result["perturbation"][order]["probabilities"] for order in orders}
    plots.curves({order: np.asarray(mean) for order, mean in means.items()}, to / "perturbation.png")


def main() -> None:
    """Evaluate the model named on the command line and print its test figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=sorted({**RECIPES, **ENSEMBLES}), metavar="MODEL")
    parser.add_argument("--data", help="local folder in the data set's schema (default: the Hub)")
    parser.add_argument("--external", help="local folder of the NIH sample, for chest X-ray models")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="where it is kept what models said (default: runs)"
    )
    arguments = parser.parse_args()
    recipe = RECIPES.get(arguments.model) or ENSEMBLES[arguments.model]
    result = evaluate(recipe, arguments.data, arguments.external, arguments.runs)
    update_readme(README)
    print(json.dumps(result["splits"]["test"], indent=1))


if __name__ == "__main__":
    main()
