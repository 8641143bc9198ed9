"""``overread scan`` as the shell runs it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread import cli


def test_a_field_of_view_is_scanned_from_the_shell(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(90, 200, (200, 330, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "field.png")
    command = ["scan", str(tmp_path / "field.png"), "--model", "pcam-resnet18", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "overread", *command, "--mpp", "0.972", "--stride", "96", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    with next((tmp_path / "out").glob("*.csv")).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 0 and summary


def test_an_unknown_scale_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (400, 400), "pink").save(tmp_path / "field.png")
    command = ["scan", str(tmp_path / "field.png"), "--model", "pcam-resnet18", "--out", str(tmp_path / "out")]
    assert cli.main(command) == cli.EXIT_BAD_INPUT
    message = capsys.readouterr().err
    assert "scale" in message and "Traceback" not in message
