"""lambda/README.md: its figures, links and names are those of the repository."""

import re
from collections.abc import Iterator

import pytest
from overread_lambda.request_errors import STATUS

from tests.overread_lambda.conftest import LAMBDA, REPOSITORY

README = (LAMBDA / "README.md").read_text(encoding="utf-8")


def template_parameters() -> Iterator[str]:
    block = (LAMBDA / "template.yaml").read_text().split("\nParameters:\n")[1].split("\nRules:\n")[0]
    return (match[1] for match in re.finditer(r"^  (\w+):$", block, re.MULTILINE))


def test_the_table_is_quoted_as_it_was_measured() -> None:
    measured = (REPOSITORY / "benchmarks" / "lambda_cold_start.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in measured.splitlines() if line.startswith("|"))
    assert table
    assert table in README


def test_every_file_that_is_linked_exists() -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert linked
    assert [path for path in linked if not (LAMBDA / path).exists()] == []


def test_every_module_that_is_run_exists() -> None:
    modules = set(re.findall(r"python -m ([\w.]+)", README))
    assert modules == {"overread_lambda.invoke", "benchmarks.lambda_cold_start"}
    for module in modules:
        path = module.replace(".", "/") + ".py"
        assert (LAMBDA / path).exists() or (REPOSITORY / path).exists()


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"make (lambda-\w+)", README))
    rules = set(re.findall(r"^(lambda-\w+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert targets and targets <= rules


@pytest.mark.parametrize("parameter", template_parameters())
def test_every_parameter_is_named_unless_its_default_suits_everybody(parameter: str) -> None:
    assert parameter in README or parameter in ("FunctionName", "CodeKey")


def test_every_status_is_named() -> None:
    answer = README.split("**The answer**")[1].split("**Deploy**")[0]
    assert {str(status) for _, status in STATUS} | {"500"} == set(re.findall(r"\b[45]\d\d\b", answer))
