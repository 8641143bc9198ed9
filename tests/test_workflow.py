"""The GitHub workflow runs what this repository documents, on every Python that it supports."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SUPPORTED = ["3.10", "3.11", "3.12", "3.13"]
IMPORTED = {"scikit-learn": "sklearn", "scikit-image": "skimage", "grad-cam": "pytorch_grad_cam"}  # by distribution


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_one_job_runs_what_is_run_here(jobs: dict[str, Any]) -> None:
    assert ".ci/run" in commands(jobs["everything"])


def test_core_and_app_are_tested_without_torch_on_every_supported_python(jobs: dict[str, Any]) -> None:
    job = jobs["core-and-app"]
    assert job["strategy"]["matrix"]["python-version"] == SUPPORTED
    assert f'requires-python = ">={SUPPORTED[0]}"' in (ROOT / "pyproject.toml").read_text()
    pins = [line for line in (ROOT / "tests" / "requirements-app.txt").read_text().splitlines() if line[0] != "#"]
    assert not [line for line in pins if line.startswith(("torch", "-r ../training"))]
    (installed,) = (command for command in commands(job) if "-r " in command)
    assert "-r tests/requirements-app.txt" in installed


def test_core_and_app_are_tested_as_a_whole_and_import_only_what_is_installed_there(jobs: dict[str, Any]) -> None:
    (command,) = (command for command in commands(jobs["core-and-app"]) if "pytest" in command)
    paths = command.removeprefix("python -m pytest ").split()
    assert {"tests/overread", "tests/ui", "tests/app"} <= set(paths)  # and no option that leaves a part of them out
    assert [path for path in paths if not (ROOT / path).exists()] == []
    elsewhere = pinned(ROOT / "tests" / "requirements.txt") - pinned(ROOT / "tests" / "requirements-app.txt")
    missing = {IMPORTED.get(name, name) for name in elsewhere}
    assert {"torch", "datasets", "ray"} <= missing
    files = [file for path in paths for file in [ROOT / path, *(ROOT / path).rglob("*.py")] if file.is_file()]
    assert {file.name: imported for file in files if (imported := missing.intersection(imports(file)))} == {}


def pinned(file: Path) -> set[str]:
    """Return the distributions that a requirements file and those that it includes pin."""
    text = file.read_text()
    included = re.findall(r"^-r (\S+)", text, re.MULTILINE)
    names = set(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", text, re.MULTILINE))
    return names.union(*(pinned(file.parent / path) for path in included))


def imports(file: Path, seen: frozenset[Path] = frozenset()) -> Iterator[str]:
    """Yield the packages that a test file imports at its top, also through other modules of the tests."""
    for node in ast.parse(file.read_text()).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        for name in names:
            ours = ROOT / f"{name.replace('.', '/')}.py"
            if name.startswith("tests.") and ours not in seen:
                yield from imports(ours, seen | {file})
            yield name.split(".")[0]


def test_the_dependencies_of_app_and_lambda_are_audited(jobs: dict[str, Any]) -> None:
    (audit,) = (command for command in commands(jobs["vulnerabilities"]) if command.startswith("pip-audit"))
    assert re.findall(r"-r (\S+)", audit) == ["requirements.txt", "lambda/requirements.txt"]
