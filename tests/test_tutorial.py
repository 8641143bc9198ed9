"""Every command of docs/tutorial.md, run in a copy of the checkout: a third domain, with few pictures and one epoch."""

import asyncio
import base64
import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from mcp.types import CallToolResult, Tool

from overread.classifier import UNGUARDED
from tests.support.running_app import running_app

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
COPIED = ("overread", "ui", "training", "examples", "models", "app.py", "README.md", "benchmarks/inference.json")
NOT_COPIED = shutil.ignore_patterns("figures", "node_modules", "__pycache__")
SMALL = {"draw_smears.py smears": "draw_smears.py smears --pictures 2"}
SMALL_FILES = {
    "draw_smears.py": {'{"train": 120, "validation": 40, "test": 60}': '{"train": 20, "validation": 20, "test": 20}'},
    "blood_smear.py": {"epochs=3": "epochs=1", "mosaics=20": "mosaics=2", "perturbed=6": "perturbed=2"},
}
NAME, TEST_PICTURES = "blood-smear-efficientnet-lite0", 40


def commands() -> list[str]:
    """Return the lines of the tutorial's shell blocks, after those that install and before the app."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", TUTORIAL, re.S) for line in block.splitlines()]
    assert lines[:2] == ["make .venv/.test-installed", "source .venv/bin/activate"] and lines[-1] == "python app.py"
    return lines[2:-1]


@dataclass(frozen=True)
class Finished:
    """A copy of the checkout in which the tutorial's commands have been run, and which of its code they changed."""

    folder: Path
    changed: set[str]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        (folder / name).parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=NOT_COPIED)
        else:
            shutil.copy(ROOT / name, folder / name)
    for name, changes in SMALL_FILES.items():
        make_small(folder / "examples" / "tutorial" / name, changes)
    before = code_of(folder)
    programs = Path(sys.executable).parent
    environment = os.environ | {"PYTHONPATH": str(folder), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    for command in joined(commands()):
        for written, run in SMALL.items():
            command = command.replace(written, run)
        done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return Finished(folder, {name for name, content in code_of(folder).items() if before.get(name) != content})


@pytest.fixture(scope="module")
def checkout(finished: Finished) -> Path:
    return finished.folder


def code_of(folder: Path) -> dict[str, bytes]:
    """Return every file of core, page and training."""
    files = (file for name in ("overread", "ui", "training") for file in (folder / name).rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files if file.suffix != ".pyc"}


def make_small(file: Path, changes: dict[str, str]) -> None:
    text = file.read_text()
    for written, run in changes.items():
        assert text.count(written) == 1
        text = text.replace(written, run)
    file.write_text(text)


def joined(lines: list[str]) -> Iterator[str]:
    """Yield the commands; those of training, which follow each other, in one process, since torch takes seconds."""
    training: list[list[str]] = []
    for line in [*lines, ""]:
        if line.startswith("python -m training "):
            training.append(shlex.split(line)[3:])
            continue
        if training:
            yield f"python -c {shlex.quote(f'from training.__main__ import main; exit(any(map(main, {training})))')}"
            training = []
        if line:
            yield line


@pytest.fixture(scope="module")
def address(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_app(tmp_path_factory.mktemp("log") / "app.log", checkout, PYTHONPATH=str(checkout)) as url:
        yield url


@pytest.fixture(scope="module")
def smear(checkout: Path) -> Path:
    return sorted((checkout / "smears" / "test" / "parasite").iterdir())[0]


def test_one_file_is_all_that_is_added(finished: Finished) -> None:
    assert finished.changed == {"training/domains/blood_smear.py"}


def test_the_model_is_measured_and_described(checkout: Path) -> None:
    model = checkout / "models" / NAME
    measured = json.loads((model / "evaluation.json").read_text())["splits"]["test"]
    assert (measured["images"], measured["positives"]) == (TEST_PICTURES, TEST_PICTURES // 2)
    card = (model / "README.md").read_text()
    assert "any image, whatever it shows" in card and f"all {TEST_PICTURES} test images" in card
    assert f"| [{NAME}](models/{NAME}/README.md) | {TEST_PICTURES} | " in (checkout / "README.md").read_text()
    assert (checkout / "runs" / "audit" / "blood-smear.html").is_file()


def test_the_shell_answers(checkout: Path) -> None:
    with (checkout / "answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == TEST_PICTURES == len(list((checkout / "overlays").rglob("*.png")))
    assert all(UNGUARDED in row["notes"] for row in rows)


def test_the_page_has_the_tab_and_says_that_nothing_is_checked(address: str, smear: Path) -> None:
    page = httpx.get(address).text
    assert "Blood smear" in page and "Histopathology" in page
    found = httpx.post(f"{address}/page/answer?domain=blood-smear", content=smear.read_bytes(), timeout=60).json()
    assert found["answer"]["finding"] == "parasites" and found["answer"]["guard"] is None
    assert UNGUARDED in found["card"] and UNGUARDED in found["answer"]["notes"]
    assert "synthetic blood smears" in page  # About


def test_the_api_answers_and_is_described(address: str, smear: Path) -> None:
    answer, overlay = Client(address, verbose=False).predict(handle_file(smear), api_name="/blood_smear")
    assert set(answer["probabilities"]) == {"no parasite", "parasite"} and Path(overlay).is_file()
    described = httpx.get(f"{address}/llms.txt").text.split("### /blood_smear")[1].split("### ")[0]
    assert UNGUARDED in described


def test_an_assistant_finds_the_tool(address: str, smear: Path) -> None:
    async def run() -> tuple[Tool, CallToolResult]:
        async with (
            streamablehttp_client(f"{address}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tool = next(tool for tool in (await session.list_tools()).tools if tool.name == "blood_smear")
            return tool, await session.call_tool(
                "blood_smear", {"image": base64.b64encode(smear.read_bytes()).decode()}
            )

    tool, result = asyncio.run(run())
    assert tool.description and UNGUARDED in tool.description
    assert json.loads(result.content[0].text)["model"]["name"] == NAME  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("domain", "example"), [("histopathology", "patch0000434.jpg"), ("chest-xray", "IM-0101-0001.jpeg")]
)
def test_the_other_domains_answer_as_before(domain: str, example: str, address: str) -> None:
    data = (ROOT / "examples" / domain / example).read_bytes()
    found = httpx.post(f"{address}/page/answer?domain={domain}", content=data, timeout=60).json()["answer"]
    assert found["guard"]["outcome"] == "accepted" and UNGUARDED not in found["notes"]
