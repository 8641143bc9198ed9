"""The command line and the real huggingface_hub client against a Hub on loopback."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from overread.catalogue import catalogue
from tests.support.hub_on_loopback import HubOnLoopback

NAME = "pcam-resnet18"
REPOSITORY = f"someone/{NAME}"
ROOT = Path(__file__).parents[2]
PATCH = ROOT / "examples" / "histopathology" / "patch0000434.jpg"


@pytest.fixture
def folder_files() -> dict[str, bytes]:
    entry = catalogue()[NAME]
    files = [*entry.sha256, "preprocessor_config.json"]
    return {file: (entry.bundled_folder / file).read_bytes() for file in files}


def ask(hub: HubOnLoopback, home: Path, namespace: str = "someone") -> tuple[dict[str, Any], str]:
    """Return the answer's JSON and stderr of a fresh process that speaks to the Hub."""
    done = subprocess.run(
        [sys.executable, "-m", "overread", "predict", str(PATCH), "--model", NAME, "--json"],
        env=hub.client_environment(home / "hub") | {"OVERREAD_HUB_NAMESPACE": namespace},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout), done.stderr


def assert_bundled(answer: dict[str, Any], stderr: str, reason: str) -> None:
    assert (answer["model"]["source"], answer["model"]["revision"]) == ("bundled", "bundled")
    sentences = [line for line in stderr.splitlines() if line.startswith(NAME)]
    assert len(sentences) == 1 and reason in sentences[0] and sentences[0].endswith("the bundled model answers.")


def test_the_hub_serves_and_the_answer_names_its_commit(
    hub: HubOnLoopback, tmp_path: Path, folder_files: dict[str, bytes]
) -> None:
    commit = hub.put_repo(REPOSITORY, folder_files)
    answer, stderr = ask(hub, tmp_path)
    assert (answer["model"]["source"], answer["model"]["revision"]) == ("hub", commit)
    assert stderr == ""
    fetched = {request.split("/resolve/")[1].split("/", 1)[1] for request in hub.requests if "/resolve/" in request}
    assert fetched == set(catalogue()[NAME].sha256)  # only what is needed


def test_without_a_namespace_no_request_is_made(hub: HubOnLoopback, tmp_path: Path) -> None:
    answer, stderr = ask(hub, tmp_path, namespace="")
    assert answer["model"]["source"] == "bundled" and stderr == "" and hub.requests == []


def test_a_missing_repository_leaves_the_bundled_model(hub: HubOnLoopback, tmp_path: Path) -> None:
    assert_bundled(*ask(hub, tmp_path), reason=f"has no repository {REPOSITORY}")


def test_an_impossible_namespace_leaves_the_bundled_model(hub: HubOnLoopback, tmp_path: Path) -> None:
    assert_bundled(*ask(hub, tmp_path, namespace="a b/c"), reason="is no valid name")


def test_a_truncated_file_leaves_the_bundled_model(
    hub: HubOnLoopback, tmp_path: Path, folder_files: dict[str, bytes]
) -> None:
    hub.put_repo(REPOSITORY, folder_files)
    hub.truncate(REPOSITORY, "onnx/model.onnx", keep=100_000)
    assert_bundled(*ask(hub, tmp_path), reason="the download from")


@pytest.mark.parametrize("file", ["config.json", "onnx/model.onnx"])
def test_another_file_than_the_catalogue_pins_is_refused(
    hub: HubOnLoopback, tmp_path: Path, folder_files: dict[str, bytes], file: str
) -> None:
    hub.put_repo(REPOSITORY, folder_files | {file: folder_files[file] + b" "})
    assert_bundled(*ask(hub, tmp_path), reason=f"was refused, since {file} is not the file the catalogue pins")


def test_an_incomplete_repository_leaves_the_bundled_model(
    hub: HubOnLoopback, tmp_path: Path, folder_files: dict[str, bytes]
) -> None:
    hub.put_repo(REPOSITORY, {"config.json": folder_files["config.json"]})
    assert_bundled(*ask(hub, tmp_path), reason="onnx/model.onnx is missing")


def test_an_unreachable_hub_leaves_the_bundled_model_and_later_the_cache_serves(
    hub: HubOnLoopback, tmp_path: Path, folder_files: dict[str, bytes]
) -> None:
    commit = hub.put_repo(REPOSITORY, folder_files)
    hub.fail()
    assert_bundled(*ask(hub, tmp_path), reason="the Hub answered with status 503")
    hub.recover()
    ask(hub, tmp_path)
    hub.fail()
    answer, _ = ask(hub, tmp_path)
    assert (answer["model"]["source"], answer["model"]["revision"]) == ("hub", commit)
