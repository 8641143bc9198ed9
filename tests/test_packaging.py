"""The wheel, installed into an empty environment without the repository beside it."""

import ast
import email
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import overread
from overread.catalogue import catalogue, lung_net
from tests.support.hub_on_loopback import HubOnLoopback

ROOT = Path(__file__).parents[1]
NAME = "chest-xray-efficientnet-lite0"
REGISTRY_TESTS = "OVERREAD_REGISTRY_TESTS"
DISTRIBUTIONS = {"PIL": "pillow", "google": "protobuf", "openslide": "openslide-python"}  # by imported name


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds the wheel, and an empty folder to run in."""

    folder: Path
    outside: Path

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment outside the checkout, with nothing of the caller's environment but PATH."""
        program, *arguments = command
        return subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=self.outside,
            env={"PATH": os.environ["PATH"], "HOME": str(self.outside)} | variables,
            capture_output=True,
            text=True,
            timeout=120,
        )


def pip(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder))
    (built,) = folder.glob("overread-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel and, through a .pth file, the dependencies that the tests' own environment has."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    pip("--python", str(folder / "bin" / "python"), "install", "--no-deps", "--no-index", str(wheel))
    (site_packages,) = folder.glob("lib/python*/site-packages")
    # A path in a .pth file is searched after the environment's own packages, and the .pth files there are not read:
    # so the checkout's editable install is out of sight.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Environment(folder, tmp_path_factory.mktemp("outside"))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    example = ROOT / "examples" / "chest-xray" / "IM-0101-0001.jpeg"
    return Path(shutil.copy(example, tmp_path / "film.jpeg"))


def test_the_wheel_holds_the_package_its_catalogue_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {path for path in (ROOT / "overread").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert names == {str(path.relative_to(ROOT)) for path in files} | {"overread/catalogue.json"}


def test_every_package_that_is_imported_is_declared(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        requires = email.message_from_bytes(archive.read(metadata)).get_all("Requires-Dist") or []
    declared = {re.split(r"[^A-Za-z0-9_-]", line)[0] for line in requires}
    assert not {"torch", "gradio"} & declared
    imported = {name for file in (ROOT / "overread").rglob("*.py") for name in imports(file)}
    ours = {"overread", *sys.stdlib_module_names}
    assert {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in imported - ours} <= declared


def imports(file: Path) -> Iterator[str]:
    """Return the top-level packages that a file imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_importing_is_silent_even_where_warnings_are_errors(installed: Environment) -> None:
    done = installed.run("python", "-W", "error", "-c", "import overread, overread.cli; print(overread.__file__)")
    assert done.returncode == 0 and done.stderr == ""
    assert Path(done.stdout.strip()).is_relative_to(installed.folder)


def test_neither_torch_nor_gradio_is_imported(installed: Environment) -> None:
    code = "import sys, overread, overread.service, overread.cli; print({'torch', 'gradio'} & set(sys.modules))"
    assert installed.run("python", "-c", code).stdout.strip() == "set()"


def test_the_command_names_the_models(installed: Environment) -> None:
    done = installed.run("overread", "models")
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) >= set(overread.names())


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OVERREAD_HUB_NAMESPACE": ""}, "set OVERREAD_HUB_NAMESPACE to the Hugging Face user or organisation"),
        (
            {"OVERREAD_HUB_NAMESPACE": "someone", "HF_ENDPOINT": "http://127.0.0.1:9"},
            "cannot be loaded: the Hub cannot be reached",
        ),
    ],
)
def test_without_a_hub_one_sentence_says_what_to_set(
    installed: Environment, film: Path, variables: dict[str, str], words: str
) -> None:
    done = installed.run("overread", "predict", str(film), "--model", NAME, NO_PROXY="127.0.0.1", **variables)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr and len(done.stderr.splitlines()) == 1


def assert_answers_from_the_hub(environment: Environment, film: Path, hub: HubOnLoopback, home: Path) -> None:
    lungs = lung_net("chest-xray")
    assert lungs
    commits = {}
    for entry in (lungs, catalogue()[NAME]):
        files = {file: (entry.bundled_folder / file).read_bytes() for file in entry.sha256}
        commits[entry.name] = hub.put_repo(f"someone/{entry.name}", files)
    variables = {key: value for key, value in hub.client_environment(home).items() if key.startswith(("HF_", "NO_"))}
    done = environment.run(
        *("overread", "predict", str(film), "--model", "chest-xray", "--json"),
        **variables,
        OVERREAD_HUB_NAMESPACE="someone",
    )
    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(done.stdout)
    assert (answer["model"]["source"], answer["model"]["revision"]) == ("hub", commits[NAME])
    assert answer["log_odds"] == pytest.approx(overread.load(NAME).predict(film).log_odds, abs=1e-6)


def test_it_answers_with_a_model_from_the_hub(
    installed: Environment, film: Path, hub: HubOnLoopback, tmp_path: Path
) -> None:
    assert_answers_from_the_hub(installed, film, hub, tmp_path / "hub")


@pytest.mark.skipif(not os.environ.get(REGISTRY_TESTS), reason=f"installs from the registry: set {REGISTRY_TESTS}=1")
def test_it_answers_where_pip_installed_its_dependencies(
    wheel: Path, film: Path, hub: HubOnLoopback, tmp_path: Path
) -> None:
    venv.create(tmp_path / "environment")
    pip("--python", str(tmp_path / "environment" / "bin" / "python"), "install", str(wheel))
    (tmp_path / "outside").mkdir()
    environment = Environment(tmp_path / "environment", tmp_path / "outside")
    assert_answers_from_the_hub(environment, film, hub, tmp_path / "hub")
