"""Reads the bundled models' ``evaluation.json`` and makes the Markdown table of test results."""

import json
from typing import Any

from overread.catalogue import catalogue
from overread.model_folder import read_config

EVALUATION_FILE = "evaluation.json"
HEADER = [
    "| Model | Looks for | Test pictures | AUC | Sensitivity | Specificity | Accuracy | ECE |",
    "|---|---|---|---|---|---|---|---|",
]


def summary_table() -> str:
    """Return one row per bundled model: test results with 95 % intervals at the model's default operating point."""
    return "\n".join(HEADER + [_row(name) for name in catalogue()])


def on_test_split(name: str) -> dict[str, Any] | None:
    """Return the test split's results in a bundled model's ``evaluation.json``, or None if it was not evaluated."""
    file = catalogue()[name].bundled_folder / EVALUATION_FILE
    return json.loads(file.read_text(encoding="utf-8"))["splits"]["test"] if file.exists() else None


def _row(name: str) -> str:
    config = read_config(catalogue()[name].bundled_folder)
    test = on_test_split(name)
    if test is None:
        return f"| {name} | {config.finding} | not evaluated | | | | | |"
    point = test["operating_points"][config.default_operating_point]
    rates = " | ".join(interval(point[rate]) for rate in ("sensitivity", "specificity", "accuracy"))
    return f"| {name} | {config.finding} | {test['images']} | {interval(test['auc'])} | {rates} | {test['ece']:.3f} |"


def interval(estimate: dict[str, float]) -> str:
    """Return an estimate with its 95 % interval, such as "0.912 (0.897-0.926)", or "-0.012 (-0.020 to -0.004)"."""
    to = " to " if estimate["low"] < 0 else "-"
    return f"{estimate['value']:.3f} ({estimate['low']:.3f}{to}{estimate['high']:.3f})"
