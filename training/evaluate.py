"""Measures a finished model folder: python -m training.evaluate pcam-resnet18 [--data FOLDER] [--external FOLDER]

Runs the exported ONNX file through ``models/``, exactly as the app does, on validation, damaged validation, test and
(chest X-rays) an external set, plays the pointing game with its heat map, deletes and inserts what the map marks, and
writes ``evaluation.json``, plots and the model card. Nothing is chosen here: test is only reported.
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from PIL import Image
from transformers import TimmWrapperForImageClassification

from models.catalogue import BUNDLED_FOLDER, catalogue
from models.classifier import Classifier
from models.figures import EVALUATION_FILE
from training import plots
from training.calibrate import sigmoid
from training.card import update_readme, write_card
from training.data import Split, file_names, kind_of, load_split
from training.evidence import evidence_on
from training.gradcam import HeatmapClassifier
from training.localisation import MapOf, PointingGame, gradcam_default_map, mean_map, our_map, pointing_game
from training.metrics import BINS, RESAMPLES, compare, measure, subgroup_auc
from training.perturbation import perturbation_curves
from training.recipes import CHEST_XRAY_PNEUMONIA, ENSEMBLES, NIH_CHEST_XRAY, RECIPES, EnsembleRecipe, Recipe, Source

README = Path(__file__).parents[1] / "README.md"
MOSAICS = {"histopathology": 100, "chest-xray": 24}  # 448 px mosaics take a CPU seconds each
PERTURBED = 12  # pictures whose deletion and insertion curves are drawn

FIGURES = "figures"

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]


def torch_net(folder: Path) -> HeatmapClassifier:
    """Return a model folder's net in torch, for maps of pictures larger than the ONNX file takes.

    Raises:
        OSError: if the folder has no ``model.safetensors``.
    """
    wrapper = TimmWrapperForImageClassification.from_pretrained(folder).float().eval()
    return HeatmapClassifier(wrapper.timm_model)


def unnormalised(recipe: Recipe, map_of: MapOf) -> MapOf:
    """Return ``map_of`` for pixels in 0..1, so that nets with different normalisation look at the same mosaics."""
    mean, std = (np.asarray(values, np.float32).reshape(1, 3, 1, 1) for values in (recipe.mean, recipe.std))
    return lambda pixels: map_of((pixels - mean) / std)


def play_pointing_game(
    members: list[Recipe], weights: Path, dataset: Dataset, count: int, with_peer: bool
) -> dict[str, Any]:
    """Return the grid pointing game's scores on a split: our map's, and those of ``pytorch_grad_cam``'s default map."""
    first = members[0]
    scale = replace(first.preprocessing(), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    pixels = scale([image.convert("RGB") for image in dataset["image"]])  # (N, 3, H, W) in 0..1
    labels = np.asarray(dataset["labels"])
    nets = [torch_net(weights / member.name) for member in members]
    ours = [unnormalised(member, our_map(net)) for member, net in zip(members, nets, strict=True)]
    games: dict[str, PointingGame] = {"ours": pointing_game(mean_map(ours), pixels, labels, count, batch_size=2)}
    if with_peer:
        peer = unnormalised(first, gradcam_default_map(nets[0].net))
        games["pytorch_grad_cam"] = pointing_game(peer, pixels, labels, count, batch_size=2)
    return {name: asdict(game) for name, game in games.items()}


def delete_and_insert(classifier: Classifier, test: Dataset, count: int, seed: int) -> dict[str, Any]:
    """Return deletion and insertion curves of the shipped map on randomly chosen test pictures with the finding."""
    positives = np.flatnonzero(np.asarray(test["labels"]) == 1)
    rows = np.random.default_rng(seed).choice(positives, min(count, len(positives)), replace=False)
    pictures = [image.convert("RGB") for image in test.select(sorted(rows))["image"]]
    heatmaps = [classifier.evidence([picture]).heatmap[0] for picture in pictures]

    def probability_of(versions: list[Image.Image]) -> Floats:
        return sigmoid(classifier.evidence(versions).log_odds)

    return asdict(perturbation_curves(pictures, heatmaps, probability_of, seed=seed))


def evaluate(
    recipe: Recipe | EnsembleRecipe,
    data: str | None = None,
    external: str | None = None,
    runs: Path = Path("runs"),
    weights: Path = BUNDLED_FOLDER,
    mosaics: int | None = None,
    perturbed: int = PERTURBED,
) -> dict[str, Any]:
    """Return what is written to ``evaluation.json`` of a model folder.

    Args:
        recipe: of the exported model.
        data: local folder in the data set's schema (default: the Hub).
        external: local folder of the NIH sample; without it a chest X-ray model has no external figures.
        runs: where each picture's probability goes, for paired comparisons between models.
        weights: where the model folders are.
        mosaics: number of mosaics in the pointing game (default: ``MOSAICS`` of the domain).
        perturbed: number of pictures in the deletion and insertion curves.
    """
    name, folder = recipe.name, weights / recipe.name
    classifier = Classifier(folder)
    members = [recipe] if isinstance(recipe, Recipe) else [RECIPES[member] for member in recipe.members]
    loaded = [Classifier(weights / member.name) for member in members]

    def score(dataset: Dataset, title: str, damaged: bool = False) -> Floats:
        return evidence_on(classifier, loaded, dataset, title, runs, damaged).log_odds

    points = list(classifier.config.operating_points.values())
    calibration = json.loads((folder / "config.json").read_text(encoding="utf-8"))["overread"]["calibration"]
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
    datasets = {split: load_split(recipe.source, split, data, recipe.seed) for split in splits}
    curves: dict[str, tuple[Labels, Floats]] = {}
    before: dict[str, tuple[Labels, Floats]] = {}
    for split, dataset in datasets.items():
        labels, log_odds = np.asarray(dataset["labels"]), score(dataset, split)
        uncalibrated = sigmoid((log_odds - calibration["intercept"]) / calibration["slope"])
        result["splits"][split] = measure(labels, sigmoid(log_odds), points, uncalibrated)
        curves[split] = (labels, sigmoid(log_odds))
        before[f"{split}, before calibration"], before[split] = (labels, uncalibrated), curves[split]
        if split == "validation" and recipe.corrupted_selection:
            damaged = sigmoid(score(dataset, "damaged validation", damaged=True))
            result["damaged_validation"] = measure(labels, damaged, points)
    test, (labels, probabilities) = datasets["test"], curves["test"]
    if recipe.source is CHEST_XRAY_PNEUMONIA:
        kinds = np.asarray([kind_of(file) for file in file_names(test)])
        result["kinds"] = subgroup_auc(labels, probabilities, kinds, points)
    if external:
        adults = load_split(NIH_CHEST_XRAY, "test", external)
        adult_labels, adult = np.asarray(adults["labels"]), sigmoid(score(adults, "external"))
        result["external"] = {"dataset": NIH_CHEST_XRAY.dataset, **measure(adult_labels, adult, points)}
        curves["external"] = (adult_labels, adult)
    count = mosaics or MOSAICS[recipe.source.domain]
    result["pointing_game"] = {
        # On test an error of the model is an error of its map. The peer, eight times as slow, plays one split.
        "validation": play_pointing_game(members, weights, datasets["validation"], count, len(members) == 1),
        "test": play_pointing_game(members, weights, test, count, False),
    }
    result["perturbation"] = delete_and_insert(classifier, test, perturbed, recipe.seed)
    result["comparisons"] = compare_with_others(
        name, classifier.identity.sha256, recipe.source, labels, probabilities, runs
    )
    (folder / EVALUATION_FILE).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    figures = folder / FIGURES
    figures.mkdir(exist_ok=True)
    plots.roc_and_pr(curves, points, figures / "roc.png")
    plots.reliability(before, figures / "reliability.png")
    plots.confusions(result["splits"]["test"]["operating_points"], figures / "confusion.png")
    orders = ("deletion", "insertion", "random_deletion", "random_insertion")
    means = {order.replace("_", " "): result["perturbation"][order]["probabilities"] for order in orders}
    plots.curves({order: np.asarray(mean) for order, mean in means.items()}, figures / "perturbation.png")
    write_card(recipe, folder)
    return result


def compare_with_others(
    name: str, sha256: str, source: Source, labels: Labels, probabilities: Floats, runs: Path
) -> dict[str, Any]:
    """Return a paired comparison on test with every model of the data set that was evaluated before, by its name.

    Each model leaves its test probabilities in ``<runs>/predictions``; those of an ONNX file that is no longer the
    bundled one are ignored.
    """
    folder = runs / "predictions"
    folder.mkdir(parents=True, exist_ok=True)
    record = {"sha256": sha256, "dataset": source.dataset, "probabilities": probabilities.tolist()}
    (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    compared = {}
    for file in sorted(folder.glob("*.json")):
        other = json.loads(file.read_text(encoding="utf-8"))
        pinned = catalogue()[file.stem].sha256.values() if file.stem in catalogue() else ()
        if file.stem != name and other["sha256"] in pinned and other["dataset"] == source.dataset:
            compared[file.stem] = compare(labels, probabilities, np.asarray(other["probabilities"]))
    return compared


def main() -> None:
    """Evaluate the model named on the command line and print its test figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=sorted({**RECIPES, **ENSEMBLES}), metavar="MODEL")
    parser.add_argument("--data", help="local folder in the data set's schema (default: the Hub)")
    parser.add_argument("--external", help="local folder of the NIH sample, for chest X-ray models")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where predictions are kept (default: runs)")
    arguments = parser.parse_args()
    recipe = RECIPES.get(arguments.model) or ENSEMBLES[arguments.model]
    result = evaluate(recipe, arguments.data, arguments.external, arguments.runs)
    update_readme(README)
    print(json.dumps(result["splits"]["test"], indent=1))


if __name__ == "__main__":
    main()
