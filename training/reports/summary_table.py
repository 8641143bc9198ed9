"""The tables of models in the repository's README: one row per model, and what only chest models were measured on."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from overread.model_folder import read_config
from overread.reported_figures import EVALUATION_FILE, interval

BEGIN = "<!-- models: written by python -m training report -->"
END = "<!-- end of models -->"
THREADS = 2
HEADER = [
    "| Model | Test data | Map cells | AUC | Sensitivity | Specificity | ms |",
    "|---|---|---|---|---|---|---|",
]
FILMS_HEADER = [
    "| Chest model | Evidence in the lungs (area) | Half films | Adults, AUC: opacity against normal | within AP, PA "
    "| Sensitivity | Specificity |",
    "|---|---|---|---|---|---|---|",
]


def summary_tables(names: Sequence[str], models: Path, benchmark: Path) -> str:
    """Return the table of all models and, where such figures were measured, that of chest models below it."""
    films = films_table(names, models)
    return summary_table(names, models, benchmark) + (f"\n\n{films}" if films else "")


def summary_table(names: Sequence[str], models: Path, benchmark: Path) -> str:
    """Return one row per evaluated model: test figures with 95 % intervals at the default operating point.

    Args:
        names: of the models, in the order of the rows.
        models: the folder of model folders; one without ``evaluation.json`` has no row.
        benchmark: ``benchmarks/inference.json``; a model that it lacks has an empty cell.
    """
    milliseconds = bytes_to_overlay(benchmark)
    rows = [
        _row(models / name, milliseconds.get(name, "")) for name in names if (models / name / EVALUATION_FILE).exists()
    ]
    return "\n".join(HEADER + rows)


def films_table(names: Sequence[str], models: Path) -> str:
    """Return one row per chest model: evidence in the lungs, half films, and adults read by radiologists; "" of none.

    Sensitivity and specificity are those of opacity and of normal films at the default operating point.

    Args:
        names: of the models, in the order of the rows.
        models: the folder of model folders; one that was not measured on such films has no row.
    """
    rows = []
    for name in names:
        file = models / name / EVALUATION_FILE
        evaluation = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if all(key in evaluation for key in ("external", "evidence_in_lungs", "half_films")):
            rows.append(_films_row(name, evaluation, read_config(models / name).default_operating_point))
    return "\n".join(FILMS_HEADER + rows) if rows else ""


def bytes_to_overlay(benchmark: Path) -> dict[str, str]:
    """Return the milliseconds from an image's bytes to the drawn overlay on two threads, by model."""
    rows = json.loads(benchmark.read_text(encoding="utf-8"))["rows"]
    return {row["model"]: f"{row['overread']:.0f}" for row in rows if row["threads"] == THREADS}


def write_between_marks(readme: Path, table: str, marks: tuple[str, str] = (BEGIN, END)) -> None:
    """Replace what stands between two marks in a README.

    Raises:
        ValueError: if the README lacks a mark.
    """
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not (begin and end):
        raise ValueError(f"{readme.name} lacks the marks {' and '.join(marks)}")
    readme.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")


def _row(folder: Path, milliseconds: str) -> str:
    config = read_config(folder)
    evaluation = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    test = evaluation["splits"]["test"]
    point = test["operating_points"][config.default_operating_point]
    height, width = evaluation["perturbation"]["grid"]
    cells = [
        f"[{folder.name}](models/{folder.name}/README.md)",
        f"{evaluation['dataset']}, {test['images']:,} images",
        f"{height} x {width}",
        *(interval(estimate) for estimate in (test["auc"], point["sensitivity"], point["specificity"])),
        milliseconds,
    ]
    return f"| {' | '.join(cells)} |"


def _films_row(name: str, evaluation: Mapping[str, Any], point: str) -> str:
    lungs = evaluation["evidence_in_lungs"]["test"]["with the finding"]
    halves = evaluation["half_films"]["surest"]
    auc = evaluation["external"]["auc"]["opacity_vs_normal"]
    at_point = evaluation["external"]["operating_points"][point]
    cells = [
        name,
        f"{interval(lungs['evidence'])} ({lungs['area']['value']:.2f})",
        interval({"value": halves["mean"], "low": halves["low"], "high": halves["high"]}),
        interval(auc["all"]),
        ", ".join(f"{auc[view]['value']:.2f}" for view in ("AP", "PA")),
        interval(at_point["sensitivity"]["all"]),
        interval(at_point["specificity_normal"]["all"]),
    ]
    return f"| {' | '.join(cells)} |"
