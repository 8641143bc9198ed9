"""The table in the repository's README of what is refused and what gets an answer: one row per domain."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from overread.catalogue import CatalogueEntry
from overread.reported_figures import interval
from training.measure.guard_evaluation import GUARD_EVALUATION_FILE
from training.measure.intervals import proportion
from training.measure.predictions import PREDICTIONS_FILE
from training.reports.model_card import three_answers_of

BEGIN = "<!-- limits: written by python -m training report -->"
END = "<!-- end of limits -->"
HEADER = [
    "| Default model | Test images refused | Other kinds refused | Test images answered | Accuracy of answers "
    "| Their sensitivity, specificity |",
    "|---|---|---|---|---|---|",
]


def limits_table(known: Mapping[str, CatalogueEntry], models: Path) -> str:
    """Return proportions with 95 % Wilson intervals for the first model of each domain.

    Other images are all that should be refused, the other domain's test images among them.

    Args:
        known: the catalogue; its first model of a domain is the default.
        models: the folder of model folders; a model whose guard or predictions were not measured has no row.
    """
    defaults: dict[str, CatalogueEntry] = {}
    for entry in known.values():
        defaults.setdefault(entry.domain, entry)
    folders = {domain: models / entry.name for domain, entry in defaults.items()}
    needed = (GUARD_EVALUATION_FILE, PREDICTIONS_FILE)
    rows = [
        _row(domain, folder) for domain, folder in folders.items() if all((folder / file).exists() for file in needed)
    ]
    return "\n".join(HEADER + rows)


def _row(domain: str, folder: Path) -> str:
    guard = json.loads((folder / GUARD_EVALUATION_FILE).read_text(encoding="utf-8"))
    answers = three_answers_of(folder)["test"]
    foreign = guard["foreign"].values()
    images = sum(found["images"] for found in foreign)
    refused: Any = proportion(sum(_refused(found) for found in foreign), images)
    cells = [
        domain,
        f"{interval(guard['test']['refused'])} of {guard['test']['images']:,}",
        f"{interval(refused)} of {images:,}",
        f"{interval(answers['answered'])} of {answers['images']:,}",
        interval(answers["accuracy"]),
        f"{interval(answers['sensitivity'])}, {interval(answers['specificity'])}",
    ]
    return f"| {' | '.join(cells)} |"


def _refused(found: Mapping[str, Any]) -> int:
    """Return the number of refused images of a set, of which the file has the proportion."""
    return round(found["refused"]["value"] * found["images"])
