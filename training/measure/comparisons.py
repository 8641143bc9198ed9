"""Compares the exported models of a data set on the same test pictures; each model's card says how it fares."""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np

from overread.errors import ModelFolderError
from overread.evaluation import EVALUATION_FILE
from training.data.splits import load_split
from training.measure.calibration import sigmoid
from training.measure.metrics import compare
from training.measure.predictions import Answers
from training.recipes.ensembles import ENSEMBLES, EnsembleRecipe
from training.recipes.nets import RECIPES, Recipe
from training.reports.model_card import write_card


def compare_all(recipe: Recipe | EnsembleRecipe, weights: Path, runs: Path, data: str | None = None) -> None:
    """Write into ``evaluation.json`` and card of a model, and of all others of its data set, how they compare.

    One whose ``evaluation.json`` speaks of former files is left as it is, and so is an ensemble of former members.

    Args:
        recipe: of the model.
        weights: where the model folders are.
        runs: where it is kept what each model said of each picture.
        data: local folder in the data set's schema (default: the Hub).
    """
    known: dict[str, Recipe | EnsembleRecipe] = {**RECIPES, **ENSEMBLES, recipe.name: recipe}
    probabilities, evaluated = {}, []
    test = load_split(recipe.source, "test", data)
    labels = np.asarray(test["labels"])
    for other in known.values():
        if other.source is not recipe.source:
            continue
        with suppress(ModelFolderError):
            answers = Answers(other, weights, runs)
            probabilities[other.name] = sigmoid(answers.log_odds(test, "test"))
            file = weights / other.name / EVALUATION_FILE
            if file.exists() and _read(file)["sha256"] == answers.classifier.identity.sha256:
                evaluated.append(other)
    for one in evaluated:
        file = weights / one.name / EVALUATION_FILE
        compared = {
            name: compare(labels, probabilities[one.name], other)
            for name, other in probabilities.items()
            if name != one.name
        }
        file.write_text(json.dumps(_read(file) | {"comparisons": compared}, indent=1) + "\n", encoding="utf-8")
        write_card(one, file.parent)


def _read(file: Path) -> dict[str, object]:
    return json.loads(file.read_text(encoding="utf-8"))
