"""Makes an ensemble's model folder of exported nets: python -m training build-ensemble pcam-ensemble [--data FOLDER]

On validation data the members' weights are fitted and operating points chosen; a member whose weight is 0 is left out.
The folder holds no nets: ``config.json`` names the members and pins their ONNX files. The ensemble becomes its domain's
default where it ranks validation images so much better than its best member alone, in one pass, that it is worth its
time: by more than noise, and by an AUC of 0.005.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overread.catalogue import CATALOGUE_FILE, MODELS_FOLDER, make_default, pin_files
from overread.classifier import Classifier
from overread.evidence import Evidence, average, weighted_sum
from overread.flips import AS_IT_IS
from overread.model_folder import CONFIG_FILE, EnsembleSettings, digests_of, read_config
from overread.probability import sigmoid
from training.data.validation_set import ValidationImages, validation_images
from training.measure.calibration import Calibration, colour_scale
from training.measure.delong import DelongTest, delong_test
from training.measure.ensemble_weights import fit_weights
from training.measure.operating_points import decision_settings
from training.measure.predictions import Part, net_evidence
from training.measure.ranking import area_under_roc
from training.recipes.nets import ENSEMBLES
from training.recipes.recipe import EnsembleRecipe

NOISE = 0.05  # largest p value of a difference that counts
WORTH = 0.005  # smallest gain in AUC for which a visitor waits for more than one pass, a field of view for minutes

Floats = npt.NDArray[np.floating]


def build_ensemble(
    recipe: EnsembleRecipe, data: str | None = None, runs: Path = Path("runs"), models: Path = MODELS_FOLDER
) -> tuple[Path, DelongTest]:
    """Return the finished folder, ``<models>/<recipe's name>``, and how much better than its best member it ranks.

    Args:
        recipe: which members.
        data: a local folder in the data set's schema (default: the Hub).
        runs: holds the prediction cache.
        models: where the members' folders are, and where the ensemble's goes.
    """
    validation = validation_images(recipe.source, data)
    labels = validation.labels
    members = [Classifier(models / name) for name in recipe.members]
    parts = [member_evidence(member, recipe.views, validation, runs) for member in members]
    alone = [member_evidence(member, (AS_IT_IS,), validation, runs).log_odds for member in members]

    targets, counts = validation.targets, validation.weights
    fitted = fit_weights(np.column_stack([part.log_odds for part in parts]), targets, counts)
    used = [row for row, weight in enumerate(fitted.weights) if weight > 0]
    members, weights = [members[row] for row in used], [fitted.weights[row] for row in used]
    together = weighted_sum([parts[row] for row in used], weights, fitted.intercept)
    settings = EnsembleSettings(
        members={member.identity.name: member.identity.sha256 for member in members},
        weights={member.identity.name: weight for member, weight in zip(members, weights, strict=True)},
        intercept=fitted.intercept,
        views=recipe.views,
    )
    folder = models / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    # What evaluation undoes to show the figures before calibration: the members' weighted mean remains.
    calibration = Calibration(sum(weights), fitted.intercept)
    decision = decision_settings(calibration, validation.name, sigmoid(together.log_odds), targets, counts)
    config = _config(recipe, members, settings, decision, colour_scale(together.heatmap))
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    best = max(alone, key=lambda log_odds: area_under_roc(labels, log_odds)["value"])
    return folder, delong_test(labels, together.log_odds, best)


def member_evidence(member: Classifier, views: Sequence[str], validation: ValidationImages, runs: Path) -> Evidence:
    """Return a member's evidence, averaged over views, in the order of the validation images."""
    cached: list[Part] = ["validation", "corrupted"] if validation.corrupted else ["validation"]
    found = [[net_evidence(member, view, validation.dataset, part, runs) for view in views] for part in cached]
    means = [average(part) for part in found]
    return Evidence(
        np.concatenate([mean.log_odds for mean in means]),
        np.concatenate([mean.heatmap for mean in means]),
        preprocess_ms=0.0,
        inference_ms=0.0,
    )


def _config(
    recipe: EnsembleRecipe,
    members: Sequence[Classifier],
    settings: EnsembleSettings,
    decision: Mapping[str, Any],
    scale: float,
) -> dict[str, Any]:
    first = members[0].config
    bias = sum(settings.weights[member.identity.name] * member.config.heatmap.bias for member in members)
    return {
        "model_type": "overread_ensemble",
        "architecture": " + ".join(member.config.architecture for member in members),
        "label_names": list(first.labels),
        "pretrained_cfg": first.preprocessing.to_pretrained_cfg(),
        "overread": {
            "title": recipe.title,
            "summary": _summary(recipe, members),
            "finding": recipe.source.finding,
            "ensemble": asdict(settings),
            **decision,
            "heatmap": {
                "layer": "last convolutional stage, weighted sum over the members",
                "bias": bias + settings.intercept,
                "scale": scale,
            },
            "region": first.region and asdict(first.region),
        },
    }


def _summary(recipe: EnsembleRecipe, members: Sequence[Classifier]) -> str:
    """Return the recipe's line for people, or one that names the members that are left where some got no weight."""
    if len(members) == len(recipe.members):
        return recipe.summary
    titles = " and ".join(member.config.title for member in members)
    views = f" in {len(recipe.views)} views" if len(recipe.views) > 1 else ""
    return f"{titles}{views}; the other nets add nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("ensemble", choices=sorted(ENSEMBLES))


def run(options: argparse.Namespace) -> None:
    """Build the ensemble, pin its files, choose the domain's default, print the folder."""
    recipe = ENSEMBLES[options.ensemble]
    folder, gain = build_ensemble(recipe, options.data, options.runs, options.models)
    catalogue_file = options.models / CATALOGUE_FILE.name
    config = read_config(folder)
    members = tuple(config.ensemble.members) if config.ensemble else ()
    pin_files(
        recipe.name,
        recipe.source.domain,
        digests_of(folder),
        members,
        file=catalogue_file,
        title=config.title,
        summary=config.summary,
    )
    better = gain.difference >= WORTH and gain.p_value < NOISE
    default = recipe.name if better else recipe.members[0]
    make_default(default, file=catalogue_file)
    print(
        f"validation AUC {gain.difference:+.4f} against the best member in one pass "
        f"(p = {gain.p_value:.2g}): {default} is the default of {recipe.source.domain}"
    )
    print(folder)
