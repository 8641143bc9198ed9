"""The client scripts, run as their users run them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.node import NODE, node_modules
from tests.support.running_app import ROOT
from ui.examples import EXAMPLES, examples

FILM = examples("chest-xray")[0]


def python_client(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "examples/client.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_without_arguments_the_usage_is_shown() -> None:
    done = python_client()
    assert done.returncode == 2 and done.stderr.startswith("usage: client.py") and "Traceback" not in done.stderr


def test_the_python_client_prints_the_answer_and_saves_the_overlay(address: str, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.png"
    done = python_client(FILM.path, "--endpoint", "chest_xray", "--url", address, "--overlay", overlay)
    assert done.returncode == 0, done.stderr
    assert "probability of pneumonia" in done.stdout and "not a medical device" in done.stdout
    assert Image.open(overlay).format == "PNG"


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_javascript_client_prints_the_answer_and_saves_the_overlay(address: str, tmp_path: Path) -> None:
    assert NODE
    shutil.copy(EXAMPLES / "client.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(node_modules(EXAMPLES))
    command = [NODE, "client.mjs", FILM.path, "--endpoint", "chest_xray", "--url", address, "--overlay", "overlay.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "probability of pneumonia" in done.stdout
    assert Image.open(tmp_path / "overlay.png").format == "PNG"
    broken = tmp_path / "text.png"
    broken.write_text("no picture")
    refused = subprocess.run(
        [NODE, "client.mjs", broken, "--url", address], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert refused.returncode == 1 and "not a picture" in refused.stderr
    usage = subprocess.run([NODE, "client.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert usage.returncode == 2 and usage.stderr.startswith("usage:")
