import re
from pathlib import Path

import pytest
import yaml

from overread.evaluation import summary_table
from training.reports.model_card import FIGURES_BEGIN, FIGURES_END

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_figures_are_those_of_the_evaluation() -> None:
    table = README.split(FIGURES_BEGIN)[1].split(FIGURES_END)[0].strip()
    assert table == summary_table()
    assert "not evaluated" not in table


def test_the_space_starts_what_is_pinned_here() -> None:
    header = yaml.safe_load(README.split("---")[1])
    pinned = re.search(r"^gradio(?:\[mcp\])?==(.+)$", (ROOT / "requirements.txt").read_text(), re.M)
    assert pinned
    assert header["sdk"] == "gradio" and header["sdk_version"] == pinned[1]
    assert (ROOT / header["app_file"]).exists()


def test_every_file_that_the_readme_names_exists() -> None:
    for path in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(
    ("measured", "quoted"),
    [("inference.md", "README.md"), ("startup.md", "README.md"), ("lambda_cold_start.md", "lambda/README.md")],
)
def test_benchmarks_are_quoted_as_they_were_measured(measured: str, quoted: str) -> None:
    text = (ROOT / "benchmarks" / measured).read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith(("|", "From `python app.py`"))]
    assert rows
    assert "\n".join(rows) in (ROOT / quoted).read_text(encoding="utf-8")
