"""The table of models that the repository's README shows: one row per model."""

import json
from collections.abc import Sequence
from pathlib import Path

from overread.model_folder import read_config
from overread.reported_figures import EVALUATION_FILE, interval

BEGIN = "<!-- models: written by python -m training report -->"
END = "<!-- end of models -->"
THREADS = 2
HEADER = [
    "| Model | Test data | Map cells | AUC | Sensitivity | Specificity | ms |",
    "|---|---|---|---|---|---|---|",
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
