"""`make space`: what is uploaded is what a Space needs, and it answers."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hub_on_loopback import HubOnLoopback

ROOT = Path(__file__).parents[1]
LIMIT = 70 * 2**20  # bytes of the whole folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is uploaded."""
    made = tmp_path_factory.mktemp("space") / "space"
    subprocess.run(["make", "space-folder", f"SPACE_FOLDER={made}"], cwd=ROOT, check=True, capture_output=True)
    return made


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_only_tracked_files_that_a_space_needs_are_in_the_folder(folder: Path) -> None:
    names = set(files(folder))
    tracked = set(subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines())
    assert names <= tracked
    assert {"README.md", "app.py", "requirements.txt", "models/catalogue.json"} <= names
    assert not [name for name in names if name.startswith(("tests/", "training/", ".")) or "safetensors" in name]
    assert sum(map(len, files(folder).values())) < LIMIT


def test_hf_upload_sends_the_folder_and_nothing_else(folder: Path, hub: HubOnLoopback, tmp_path: Path) -> None:
    command = [Path(sys.executable).with_name("hf"), "upload", "tester/overread", folder, "--repo-type", "space"]
    environment = hub.client_environment(tmp_path) | {"HF_TOKEN": "hf_right"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    arrived = hub.files("tester/overread", "main", "space")
    # The Hub adds a .gitattributes of its own to every repository.
    assert {name: data for name, data in arrived.items() if name != ".gitattributes"} == files(folder)


def test_the_uploaded_folder_answers(folder: Path) -> None:
    code = (
        "import overread, app, pathlib; assert pathlib.Path(overread.__file__).is_relative_to(pathlib.Path.cwd())\n"
        "example = sorted(pathlib.Path('examples').rglob('*.jpg'))[0]\n"
        "print(overread.load('pcam-resnet18', threads=1).predict(example).finding)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "lymph-node metastasis", done.stderr
