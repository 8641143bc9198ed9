"""What the bundled models are worth, as a Markdown table of what the evaluation script measured."""

import json

from models.catalogue import catalogue
from models.folder import read_config

EVALUATION_FILE = "evaluation.json"
HEADER = [
    "| Model | Looks for | Test pictures | AUC | Sensitivity | Specificity | Accuracy | ECE |",
    "|---|---|---|---|---|---|---|---|",
]


def summary_table() -> str:
    """Return one row per bundled model: test figures with 95 % intervals, at the model's default operating point."""
    return "\n".join(HEADER + [_row(name) for name in catalogue()])


def _row(name: str) -> str:
    folder = catalogue()[name].bundled_folder
    config = read_config(folder)
    file = folder / EVALUATION_FILE
    if not file.exists():
        return f"| {name} | {config.finding} | not evaluated | | | | | |"
    test = json.loads(file.read_text(encoding="utf-8"))["splits"]["test"]
    point = test["operating_points"][config.default_operating_point]
    rates = " | ".join(interval(point[rate]) for rate in ("sensitivity", "specificity", "accuracy"))
    return f"| {name} | {config.finding} | {test['images']} | {interval(test['auc'])} | {rates} | {test['ece']:.3f} |"


def interval(estimate: dict[str, float]) -> str:
    """Return an estimate with its 95 % interval, such as "0.912 (0.897-0.926)"."""
    return f"{estimate['value']:.3f} ({estimate['low']:.3f}-{estimate['high']:.3f})"
