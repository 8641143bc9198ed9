"""The About tab: what the models are worth, in figures that the evaluation script wrote."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.catalogue import BUNDLED_FOLDER

ABOUT = Path(__file__).with_name("about.md")


def about_markdown(models: Sequence[dict[str, Any]]) -> str:
    """Return the page: the text of ``about.md`` with a table of test figures in the place of ``{figures}``."""
    return ABOUT.read_text(encoding="utf-8").replace("{figures}", "\n".join(_table(models)))


def _table(models: Sequence[dict[str, Any]]) -> list[str]:
    rows = [
        "| Model | Looks for | Test pictures | AUC | Sensitivity | Specificity | ECE |",
        "|---|---|---|---|---|---|---|",
    ]
    for model in models:
        file = BUNDLED_FOLDER / model["name"] / "evaluation.json"
        if not file.exists():
            rows.append(f"| {model['name']} | {model['finding']} | not evaluated | | | | |")
            continue
        test = json.loads(file.read_text(encoding="utf-8"))["splits"]["test"]
        point = test["operating_points"][model["default_operating_point"]]
        rows.append(
            f"| {model['name']} | {model['finding']} | {test['images']} | {interval(test['auc'])} "
            f"| {interval(point['sensitivity'])} | {interval(point['specificity'])} | {test['ece']:.3f} |"
        )
    return rows


def interval(estimate: dict[str, float]) -> str:
    """Return an estimate with its 95 % interval, such as "0.912 (0.897-0.926)"."""
    return f"{estimate['value']:.3f} ({estimate['low']:.3f}-{estimate['high']:.3f})"
