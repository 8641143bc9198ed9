"""The model card, written from what was measured: no figure in it is typed by hand."""

import json
from pathlib import Path
from typing import Any

import yaml

from models.figures import EVALUATION_FILE, interval, summary_table
from models.folder import CONFIG_FILE
from training.recipes import Recipe

FIGURES_BEGIN = "<!-- figures: written by python -m training.evaluate -->"
FIGURES_END = "<!-- end of figures -->"


def write_card(recipe: Recipe, folder: Path) -> None:
    """Write ``README.md`` into a model folder from its ``config.json``, ``export.json`` and ``evaluation.json``."""
    config, export, evaluation = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in (CONFIG_FILE, "export.json", EVALUATION_FILE)
    )
    header = yaml.safe_dump(front_matter(recipe, config, evaluation), sort_keys=False, allow_unicode=True)
    text = f"---\n{header}---\n\n{body(recipe, config, export, evaluation)}"
    (folder / "README.md").write_text(text, encoding="utf-8")


def front_matter(recipe: Recipe, config: dict[str, Any], evaluation: dict[str, Any]) -> dict[str, Any]:
    """Return the card's metadata as the Hub reads it, with a ``model-index`` of the test split's figures."""
    test = evaluation["splits"]["test"]
    default = test["operating_points"][config["overread"]["default_operating_point"]]
    metrics = [
        {"type": "roc_auc", "name": "AUC", "value": round(test["auc"]["value"], 4)},
        {"type": "accuracy", "name": "Accuracy", "value": round(default["accuracy"]["value"], 4)},
        {"type": "recall", "name": "Sensitivity", "value": round(default["sensitivity"]["value"], 4)},
        {"type": "specificity", "name": "Specificity", "value": round(default["specificity"]["value"], 4)},
    ]
    source = recipe.source
    return {
        "license": "apache-2.0",
        "library_name": "timm",
        "pipeline_tag": "image-classification",
        "datasets": [source.dataset],
        "metrics": ["roc_auc", "accuracy", "recall", "specificity"],
        "tags": ["onnx", "grad-cam", "medical"],
        "model-index": [
            {
                "name": recipe.name,
                "results": [
                    {
                        "task": {"type": "image-classification"},
                        "dataset": {"name": source.dataset, "type": source.dataset, "split": source.test_split},
                        "metrics": metrics,
                    }
                ],
            }
        ],
    }


def body(recipe: Recipe, config: dict[str, Any], export: dict[str, Any], evaluation: dict[str, Any]) -> str:
    """Return the card's text."""
    source, calibration, storage = recipe.source, config["overread"]["calibration"], export["weight_storage"]
    stages = "; ".join(
        f"{stage.epochs:g} epoch{'s' * (stage.epochs != 1)} at {stage.size} px, output stride {stage.output_stride}, "
        f"batch {stage.batch_size}, peak learning rate {stage.learning_rate:g}"
        for stage in recipe.stages
    )
    validation = source.validation_split or "an eighth of train's patients, in no other split"
    text = f"""# {recipe.name}

Says how probable {recipe.finding} is in a picture, and where it sees it: `onnx/model.onnx` computes calibrated logits
and a signed Grad-CAM map in log-odds in one pass. **For research and education only; not a medical device.**

## Figures

{figures(evaluation)}

Intervals: {evaluation["intervals"]}. ECE: {evaluation["calibration_bins"]} bins. Calibration
({calibration["method"]}: slope {calibration["slope"]:.3f}, intercept {calibration["intercept"]:+.3f}) and thresholds
were chosen on validation data, so the validation rows flatter the model. Measured with `{evaluation["command"]}` on the
ONNX file with SHA-256 `{evaluation["sha256"]}`.

The ONNX file stores large weights as 8-bit integers and computes in float32. On {storage["images"]} validation pictures
that moves the AUC from {storage["validation_auc_float32"]:.4f} to {storage["validation_auc_int8_storage"]:.4f}, and no
probability by more than {storage["largest_probability_difference"]:.4f}.

## Data

`{source.dataset}`, licence {source.licence}: {source.citation}. Train: `{source.train_split}`; validation:
{validation}; test: `{source.test_split}`, used for the table above and for nothing else.

## Training

timm's `{recipe.architecture}` from random weights ({stages}); AdamW, weight decay {recipe.weight_decay:g}, cosine
schedule with {100 * recipe.warmup:g} % warm-up, label smoothing {recipe.label_smoothing:g}, classes weighted equally,
bfloat16, seed {recipe.seed}. Exported at {recipe.export_size} px with output stride {recipe.export_stride}:
`python -m training.train {recipe.name}`, then `python -m training.export {recipe.name}`.

## Limits

It knows pictures like those of its data set and nothing else: another scanner, stain, age group or disease can make it
confidently wrong. The map shows what moved the model, not where a disease is.
"""
    # Values of any length are filled in above: one line a paragraph, tables and headings as they are.
    blocks = text.strip().split("\n\n")
    return "\n\n".join(block if block[0] in "#|" else " ".join(block.split()) for block in blocks) + "\n"


def figures(evaluation: dict[str, Any]) -> str:
    """Return the table of validation and test figures at every operating point."""
    rows = [
        "| Split | Pictures | AUC | ECE | Brier | Operating point | Sensitivity | Specificity | Accuracy |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for split, values in evaluation["splits"].items():
        for name, point in values["operating_points"].items():
            rows.append(
                f"| {split} | {values['images']} | {interval(values['auc'])} "
                f"| {values['ece']:.3f} | {values['brier']:.3f} "
                f"| {name} ({point['threshold']:.3f}) | {interval(point['sensitivity'])} "
                f"| {interval(point['specificity'])} | {interval(point['accuracy'])} |"
            )
    return "\n".join(rows)


def update_readme(readme: Path) -> None:
    """Write the summary table between the two marks in the project's README.

    Raises:
        ValueError: if the README lacks a mark.
    """
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(FIGURES_BEGIN)
    _, end, after = rest.partition(FIGURES_END)
    if not end:
        raise ValueError(f"{readme.name} lacks the marks {FIGURES_BEGIN} and {FIGURES_END}")
    readme.write_text(f"{before}{FIGURES_BEGIN}\n{summary_table()}\n{end}{after}", encoding="utf-8")
