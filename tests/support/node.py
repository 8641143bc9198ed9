"""Node and npm for tests of the JavaScript here, installed as its users install them."""

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NODE, NPM = shutil.which("node"), shutil.which("npm")


@contextmanager
def alone(project: Path) -> Iterator[None]:
    """Keep another test process out of a project's folder while this one installs or builds in it."""
    with (Path(tempfile.gettempdir()) / f"overread-{project.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def node_modules(project: Path) -> Path:
    """Return the project's ``node_modules``, installed from its lock file unless it is that already.

    Where no registry can be reached, the test is skipped.
    """
    if NPM is None:
        pytest.skip("npm is not installed")
    modules, lock = project / "node_modules", project / "package-lock.json"
    installed = modules / ".installed"
    with alone(project):
        if installed.exists() and installed.read_bytes() == lock.read_bytes():
            return modules
        done = subprocess.run([NPM, "ci"], cwd=project, capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"npm ci failed in {project.name}: {done.stderr.strip().splitlines()[-1:]}")
        installed.write_bytes(lock.read_bytes())
    return modules
