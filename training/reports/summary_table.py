"""The table of models that the repository's README shows: one row per model."""

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
    "| Model | Test images | AUC | Sensitivity | Specificity | Evidence in the lungs (area) "
    "| Adults: AUC; sensitivity, specificity | ms |",
    "|---|---|---|---|---|---|---|---|",
]


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
    point_name = read_config(folder).default_operating_point
    evaluation = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    test = evaluation["splits"]["test"]
    point = test["operating_points"][point_name]
    cells = [
        f"[{folder.name}](models/{folder.name}/README.md)",
        f"{test['images']:,}",
        *(interval(estimate) for estimate in (test["auc"], point["sensitivity"], point["specificity"])),
        _in_lungs(evaluation),
        _adults(evaluation, point_name),
        milliseconds,
    ]
    return f"| {' | '.join(cells)} |"


def _in_lungs(evaluation: Mapping[str, Any]) -> str:
    """Return the share of positive evidence in the lungs on films with the finding; "" where there are no lungs."""
    if "evidence_in_lungs" not in evaluation:
        return ""
    found = evaluation["evidence_in_lungs"]["test"]["with the finding"]
    return f"{interval(found['evidence'])} ({found['area']['value']:.2f})"


def _adults(evaluation: Mapping[str, Any], point_name: str) -> str:
    """Return the AUC of opacity against normal on films that radiologists read, and the rates at the default point."""
    if "external" not in evaluation:
        return ""
    point = evaluation["external"]["operating_points"][point_name]
    rates = (point[rate]["all"]["value"] for rate in ("sensitivity", "specificity_normal"))
    return f"{interval(evaluation['external']['auc']['opacity_vs_normal']['all'])}; " + ", ".join(
        f"{rate:.2f}" for rate in rates
    )
