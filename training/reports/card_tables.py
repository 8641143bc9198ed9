"""The model card's section of figures, from ``evaluation.json``: tables, intervals, plots."""

from typing import Any

from overread.evaluation import interval


def figures(config: dict[str, Any], evaluation: dict[str, Any]) -> list[str]:
    """Return the card's section of figures."""
    calibration = config["overread"]["calibration"]
    return [
        "## Figures",
        split_table(evaluation),
        f"Intervals: {evaluation['intervals']}. ECE: {evaluation['calibration_bins']} bins. Calibration "
        f"({calibration['method']}: slope {calibration['slope']:.3f}, intercept {calibration['intercept']:+.3f}; for "
        f"even odds beforehand) and thresholds were chosen on these pictures: {calibration['split']}. So their rows "
        f"flatter the model. Measured with `{evaluation['command']}` on the file with SHA-256 "
        f"`{evaluation['sha256']}`.",
        rates_table(evaluation),
        "![ROC and precision-recall curves](figures/roc.png)",
        "![Reliability before and after calibration](figures/reliability.png)",
        "![Confusion matrices on test](figures/confusion.png)",
        *harder(evaluation),
        *maps(evaluation),
        *comparisons(evaluation),
    ]


def split_table(evaluation: dict[str, Any]) -> str:
    """Return AUC, average precision and calibration of validation, damaged validation, test and external set."""
    rows = [
        "| Pictures | Number | AUC | Average precision | ECE before, after | Brier before, after |",
        "|---|---|---|---|---|---|",
    ]
    for name, values in _sets(evaluation).items():
        ece, brier = (
            f"{values[f'{key}_before']:.3f}, {values[key]:.3f}" if f"{key}_before" in values else f"{values[key]:.3f}"
            for key in ("ece", "brier")
        )
        rows.append(
            f"| {name} | {values['images']} | {interval(values['auc'])} | {interval(values['average_precision'])} "
            f"| {ece} | {brier} |"
        )
    return "\n".join(rows)


def rates_table(evaluation: dict[str, Any]) -> str:
    """Return what each operating point reached on each set."""
    rows = [
        "| Pictures | Operating point | Sensitivity | Specificity | Accuracy | PPV | NPV | F1 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, values in _sets(evaluation).items():
        for point, reached in values["operating_points"].items():
            rates = " | ".join(
                interval(reached[rate]) if reached[rate] else "none"
                for rate in ("sensitivity", "specificity", "accuracy", "ppv", "npv", "f1")
            )
            rows.append(f"| {name} | {point} ({reached['threshold']:.3f}) | {rates} |")
    return "\n".join(rows)


def _sets(evaluation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    sets = dict(evaluation["splits"])
    if "damaged_validation" in evaluation:
        sets["validation, damaged"] = evaluation["damaged_validation"]
    if "external" in evaluation:
        sets[f"external ({evaluation['external']['dataset']})"] = evaluation["external"]
    return sets


def harder(evaluation: dict[str, Any]) -> list[str]:
    """Return what is known of pictures unlike validation's: the shift to test, kinds of pneumonia, adults."""
    chosen, reached = (evaluation["splits"][split]["operating_points"]["balanced"] for split in ("validation", "test"))
    text = [
        "From validation to test, at the balanced threshold, sensitivity goes from "
        f"{chosen['sensitivity']['value']:.3f} to {reached['sensitivity']['value']:.3f} and specificity from "
        f"{chosen['specificity']['value']:.3f} to {reached['specificity']['value']:.3f}."
    ]
    if "damaged_validation" in evaluation:
        agreement = interval(evaluation["damaged_validation"]["agreement"])
        text.append(
            f"The decision on a damaged picture is that on the picture itself for a share of {agreement}. "
            "*Damaged* pictures have another exposure, haze, blur, sharpening, compression, crop or painted-over "
            "corners (`training/corruptions.py`)."
        )
    if "kinds" in evaluation:
        kinds = "; ".join(
            f"{kind} ({values['positives']}): AUC {interval(values['auc'])}, sensitivity at the balanced threshold "
            f"{interval(values['sensitivity']['balanced'])}"
            for kind, values in evaluation["kinds"].items()
        )
        text.append(f"By the cause of pneumonia, on test: {kinds}.")
    return text


GAMES = {
    "any": "this map, on pictures drawn from all",
    "surest": "this map, on those the model is right and surest about",
    "pytorch_grad_cam": "the default map of `pytorch_grad_cam` on the same net, on the latter",
}


def maps(evaluation: dict[str, Any]) -> list[str]:
    """Return how well the heat map points, and whether what it marks matters to the model."""
    games, curves = evaluation["pointing_game"], evaluation["perturbation"]
    height, width = curves["grid"]
    rows = ["| Grid pointing game | " + " | ".join(games) + " |", "|---|" + "---|" * len(games)]
    for name, title in GAMES.items():
        scores = [_mean(played[name]) if name in played else "" for played in games.values()]
        if any(scores):
            rows.append(f"| {title} | {' | '.join(scores)} |")
    return [
        f"**Heat map**, {height} x {width} cells. Grid pointing game: {games['test']['any']['mosaics']} mosaics of one "
        "picture with the finding and three without; share of positive evidence in the right quarter, chance 0.25. "
        "Böhle et al. 2021, who devised it, take pictures that the model is right and surest about.",
        "\n".join(rows),
        f"Deleting the cells by falling evidence from {curves['pictures']} test "
        f"pictures leaves an area of {_mean(curves['deletion'])} under the probability, random order "
        f"{_mean(curves['random_deletion'])}; inserting them gives {_mean(curves['insertion'])} and "
        f"{_mean(curves['random_insertion'])} (Petsiuk et al. 2018).",
        "![Deletion and insertion curves](figures/perturbation.png)",
    ]


def _mean(estimate: dict[str, Any]) -> str:
    return interval({"value": estimate["mean"], "low": estimate["low"], "high": estimate["high"]})


def comparisons(evaluation: dict[str, Any]) -> list[str]:
    """Return the paired comparison with each other model of the same data set."""
    if not evaluation["comparisons"]:
        return []
    rows = ["| Against | AUC difference on test | p (DeLong) |", "|---|---|---|"]
    for name, compared in evaluation["comparisons"].items():
        rows.append(f"| {name} | {interval(compared['difference'])} | {compared['p_value']:.2g} |")
    return ["\n".join(rows)]
