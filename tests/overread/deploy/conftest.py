"""A clean copy of the repository, which tests may change, and its commands against a Hub on loopback."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hub_on_loopback import HubOnLoopback

ROOT = Path(__file__).parents[3]
Run = Callable[..., subprocess.CompletedProcess[str]]


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that are not ignored, as they are, committed to a repository of their own."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = (
        subprocess.check_output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT)
        .decode()
        .split("\0")
    )
    for name in listed:
        if (ROOT / name).is_file() and not name.endswith(".safetensors"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Everything")
    return folder


@pytest.fixture
def overread(checkout: Path, hub: HubOnLoopback, tmp_path: Path) -> Run:
    """Run ``overread`` of that copy, logged in to the Hub on loopback unless ``token`` is empty."""

    def run(*arguments: str, folder: Path = checkout, token: str = "hf_right") -> subprocess.CompletedProcess[str]:
        environment = hub.client_environment(tmp_path / "home") | ({"HF_TOKEN": token} if token else {})
        command = [sys.executable, "-m", "overread", *arguments]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)

    return run
