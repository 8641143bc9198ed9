"""The command on a stack in several processes, with a model that ships."""

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]
PATCHES = sorted((ROOT / "examples" / "histopathology").glob("*.jpg"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip with six real patches, a damaged one and a grey one that the guard refuses."""
    folder = tmp_path_factory.mktemp("stack")
    Image.new("RGB", (96, 96), "grey").save(folder / "grey.png")
    with zipfile.ZipFile(folder / "stack.zip", "w") as file:
        for patch in PATCHES:
            file.write(patch, patch.name)
        file.writestr("cut-off.png", PATCHES[0].read_bytes()[:500])
        file.write(folder / "grey.png", "grey.png")
    return folder / "stack.zip"


def predict(stack: Path, csv_file: str, *more: str) -> tuple[int, list[dict[str, str]], str]:
    command = [sys.executable, "-m", "overread", "predict", str(stack), "--model", "pcam-resnet18"]
    command += ["--csv", str(stack.with_name(csv_file)), "--json", "--no-heatmap", *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    with stack.with_name(csv_file).open(newline="") as file:
        return done.returncode, list(csv.DictReader(file)), done.stdout


def test_two_processes_give_the_rows_of_one(stack: Path) -> None:
    code, rows, _ = predict(stack, "one.csv")
    code_of_two, rows_of_two, printed = predict(
        stack, "two.csv", "--processes", "2", "--overlay", f"{stack.parent}/overlays/"
    )
    assert code == code_of_two == 2
    assert [Path(row["file"]).name for row in rows] == sorted(
        [*(patch.name for patch in PATCHES), "cut-off.png", "grey.png"]
    )
    assert sorted(rows_of_two, key=lambda row: row["file"]) == rows
    errors = {Path(row["file"]).name: (row["guard"], bool(row["image_sha256"])) for row in rows if row["error"]}
    assert errors == {"cut-off.png": ("", True), "grey.png": ("refused", True)}
    assert {json.loads(line)["image"] for line in printed.splitlines()} == {
        row["file"] for row in rows if not row["error"]
    }
    assert len(list((stack.parent / "overlays").iterdir())) == len(PATCHES)
