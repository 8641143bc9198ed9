import re
from pathlib import Path

import yaml

from overread.catalogue import MODELS_FOLDER, catalogue
from training.reports import limits_table
from training.reports.summary_table import BEGIN, END, summary_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_has_one_row_per_model_with_what_was_measured() -> None:
    table = README.split(BEGIN)[1].split(END)[0].strip()
    assert table == summary_table(list(catalogue()), MODELS_FOLDER, ROOT / "benchmarks" / "inference.json")
    assert len(table.splitlines()) == 2 + len(catalogue())


def test_every_chest_model_has_its_figures_of_lungs_and_adults() -> None:
    rows = [row.split(" | ") for row in README.split(BEGIN)[1].split(END)[0].strip().splitlines()[2:]]
    for row, entry in zip(rows, catalogue().values(), strict=True):
        assert all(("(0." in cell) == (entry.domain == "chest-xray") for cell in row[5:7]), row


def test_what_is_refused_and_answered_is_quoted_as_it_was_measured() -> None:
    table = README.split(limits_table.BEGIN)[1].split(limits_table.END)[0].strip()
    assert table == limits_table.limits_table(catalogue(), MODELS_FOLDER)
    assert len(table.splitlines()) == 2 + 2  # both domains


def test_it_is_one_page() -> None:
    assert len(README.splitlines()) < 150


def test_the_space_starts_what_is_pinned_here() -> None:
    header = yaml.safe_load(README.split("---")[1])
    pinned = re.search(r"^gradio(?:\[mcp\])?==(.+)$", (ROOT / "requirements.txt").read_text(), re.M)
    assert pinned
    assert header["sdk"] == "gradio" and header["sdk_version"] == pinned[1]
    assert (ROOT / header["app_file"]).exists()


def test_every_file_that_the_readme_names_exists() -> None:
    for path in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / path).exists(), path


def test_lambdas_benchmark_is_quoted_as_it_was_measured() -> None:
    text = (ROOT / "benchmarks" / "lambda_cold_start.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows and "\n".join(rows) in (ROOT / "lambda" / "README.md").read_text(encoding="utf-8")
