"""``overread deploy space``: what arrives is what a Space needs, and it answers; what would fail is refused."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from gradio_client import Client, handle_file
from huggingface_hub import metadata_load

from tests.overread.deploy.conftest import ROOT, git
from tests.support.hub_on_loopback import HubOnLoopback
from tests.support.running_app import running_app

SPACE = "tester/overread"
LIMIT = 70 * 2**20  # bytes of the whole folder
REGISTRY_TESTS = "OVERREAD_REGISTRY_TESTS"
Run = Callable[..., subprocess.CompletedProcess[str]]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def arrived(overread: Run, hub: HubOnLoopback, tmp_path: Path) -> Path:
    """A folder with the files of the Space after it was deployed a second time, and others than before."""
    hub.put_repo(SPACE, {"old.py": b"print('old')"}, "space")
    done = overread("deploy", "space", "--to", SPACE)
    assert done.returncode == 0, done.stderr
    return written(hub, tmp_path / "arrived")


def written(hub: HubOnLoopback, folder: Path) -> Path:
    for name, data in hub.files(SPACE, "main", "space").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def answer_of(address: str) -> dict[str, object]:
    film = ROOT / "examples" / json.loads((ROOT / "examples" / "manifest.json").read_text())[0]["file"]
    answer, _ = Client(address, verbose=False).predict(handle_file(film), api_name="/chest_xray")
    return answer


def test_only_what_a_space_needs_is_there_and_it_answers(arrived: Path, checkout: Path, tmp_path: Path) -> None:
    names = set(files(arrived)) - {".gitattributes"}  # the Hub's own
    tracked = set(subprocess.check_output(["git", "ls-files"], cwd=checkout, text=True).splitlines())
    assert names <= tracked  # old.py, which is no longer there, was deleted
    assert {"README.md", "app.py", "requirements.txt", "models/catalogue.json"} <= names
    assert not [name for name in names if name.startswith(("tests/", "training/", ".")) or "safetensors" in name]
    assert sum(map(len, files(arrived).values())) < LIMIT
    card = metadata_load(arrived / "README.md") or {}
    assert card["sdk"] == "gradio" and card["suggested_hardware"] == "cpu-basic"
    assert card["thumbnail"].startswith(f"https://huggingface.co/spaces/{SPACE}/resolve/main/ui/")
    assert card["thumbnail"].rpartition("resolve/main/")[2] in names
    assert "spaces" not in (arrived / "requirements.txt").read_text()
    with running_app(tmp_path / "log", folder=arrived) as address:
        assert answer_of(address)["finding"] == "pneumonia"


def test_models_of_a_namespace_are_named_and_loaded_before_the_start(
    overread: Run, checkout: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(checkout, tmp_path / "copy")
    file = copy / "models" / "catalogue.json"
    content = json.loads(file.read_text())
    name, entry = next(iter(content["models"].items()))
    content["namespace"], entry["revision"] = "tester", "c" * 40
    file.write_text(json.dumps(content))
    git(copy, "commit", "--all", "--message", "Pin")
    done = overread("deploy", "space", "--to", SPACE, "--folder", str(tmp_path / "space"), folder=copy)
    assert done.returncode == 0, done.stderr
    card = metadata_load(tmp_path / "space" / "README.md") or {}
    assert f"tester/{name}" in card["models"]
    assert f"tester/{name} {','.join(entry['sha256'])} {'c' * 40}" in card["preload_from_hub"]


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1 and done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    return line


def test_without_a_token_or_with_one_for_somebody_else_nothing_is_sent(overread: Run, hub: HubOnLoopback) -> None:
    assert "There is no token for the Hub" in refusal(overread("deploy", "space", "--to", SPACE, token=""))
    assert "somebody/overread is not theirs" in refusal(overread("deploy", "space", "--to", "somebody/overread"))
    assert not [request for request in hub.requests if "/commit/" in request]


def test_a_plan_that_is_missing_is_said_with_what_is_free(overread: Run, hub: HubOnLoopback) -> None:
    hub.ask_for_payment()
    said = refusal(overread("deploy", "space", "--to", SPACE))
    assert "needs a paid plan" in said and "--zero-gpu" in said and "overread deploy web" in said


def test_a_folder_that_exists_is_left_alone(overread: Run, tmp_path: Path) -> None:
    said = refusal(overread("deploy", "space", "--to", SPACE, "--folder", str(tmp_path)))
    assert said == f"{tmp_path} exists already: name a folder that does not."


def test_changes_that_would_be_left_out_are_refused(overread: Run, checkout: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(checkout, tmp_path / "copy")
    with (copy / "app.py").open("a") as file:
        file.write("# a change\n")
    assert "app.py would be deployed without" in refusal(overread("deploy", "space", "--to", SPACE, folder=copy))


def test_another_version_of_gradio_in_the_card_is_refused(overread: Run, checkout: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(checkout, tmp_path / "copy")
    readme = copy / "README.md"
    readme.write_text(re.sub(r"sdk_version: \S+", "sdk_version: 5.0.0", readme.read_text()))
    git(copy, "commit", "--all", "--message", "Another version")
    said = refusal(overread("deploy", "space", "--to", SPACE, folder=copy))
    assert "README.md asks for Gradio 5.0.0, requirements.txt for 6" in said


class DeviceApi(BaseHTTPRequestHandler):
    """Stands in for what ZeroGPU asks of its own host: every request is noted and answered with 200."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def test_on_zero_gpu_the_app_reports_its_function_answers_and_asks_for_no_gpu(
    overread: Run, hub: HubOnLoopback, tmp_path: Path
) -> None:
    pytest.importorskip("spaces")
    hub.ask_for_payment()  # ZeroGPU is free
    done = overread("deploy", "space", "--to", SPACE, "--zero-gpu")
    assert done.returncode == 0, done.stderr
    folder = written(hub, tmp_path / "arrived")
    card = metadata_load(folder / "README.md") or {}
    assert (card["python_version"], card["suggested_hardware"]) == ("3.12", "zero-a10g")
    assert re.search(r"^spaces==", (folder / "requirements.txt").read_text(), re.MULTILINE)
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "torch.py").write_text("raise ImportError('not in the requirements')")
    DeviceApi.asked = []
    server = HTTPServer(("127.0.0.1", 0), DeviceApi)
    Thread(target=server.serve_forever, daemon=True).start()
    host = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": f"http://127.0.0.1:{server.server_port}"}
    try:
        with running_app(tmp_path / "log", folder=folder, PYTHONPATH=str(tmp_path / "without"), **host) as address:
            assert answer_of(address)["finding"] == "pneumonia"
    finally:
        server.shutdown()
    assert "/startup-report" in DeviceApi.asked  # else ZeroGPU ends the Space
    assert not [path for path in DeviceApi.asked if "schedule" in path]


@pytest.mark.skipif(not os.environ.get(REGISTRY_TESTS), reason=f"installs from the registry: set {REGISTRY_TESTS}=1")
def test_it_answers_where_only_its_own_requirements_are_installed(arrived: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "environment", with_pip=True)
    python = str(tmp_path / "environment" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", str(arrived / "requirements.txt")], check=True)
    with running_app(tmp_path / "log", folder=arrived, python=python) as address:
        assert answer_of(address)["finding"] == "pneumonia"
    assert sys.executable != python
