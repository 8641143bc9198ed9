"""The GitHub workflow runs what this repository documents, on every Python that it supports."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SUPPORTED = ["3.10", "3.11", "3.12", "3.13"]


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
    (tests,) = (command for command in commands(job) if "pytest" in command)
    assert [path for path in re.findall(r"tests/\S+", tests) if not (ROOT / path).exists()] == []
    (installed,) = (command for command in commands(job) if "-r " in command)
    assert "-r tests/requirements-app.txt" in installed


def test_the_dependencies_of_app_and_lambda_are_audited(jobs: dict[str, Any]) -> None:
    (audit,) = (command for command in commands(jobs["vulnerabilities"]) if command.startswith("pip-audit"))
    assert re.findall(r"-r (\S+)", audit) == ["requirements.txt", "lambda/requirements.txt"]
