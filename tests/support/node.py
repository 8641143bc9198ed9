"""Node and npm for tests of the JavaScript here, installed as its users install them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NODE, NPM = shutil.which("node"), shutil.which("npm")


def node_modules(project: Path) -> Path:
    """Return the project's ``node_modules``, installed from its lock file unless it is that already.

    Where no registry can be reached, the test is skipped. Two test processes may ask at once: one of them installs.
    """
    if NPM is None:
        pytest.skip("npm is not installed")
    modules, lock = project / "node_modules", project / "package-lock.json"
    installed = modules / ".installed"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return modules
    done = subprocess.run([NPM, "ci"], cwd=project, capture_output=True, text=True, timeout=300, env=os.environ)
    if done.returncode:
        pytest.skip(f"npm ci failed in {project.name}: {done.stderr.strip().splitlines()[-1:]}")
    installed.write_bytes(lock.read_bytes())
    return modules
