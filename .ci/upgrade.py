"""Raises pinned requirements, in two steps that `make upgrade` runs.

python .ci/upgrade.py names     prints what to install: every pinned package without its version
python .ci/upgrade.py rewrite   run by the environment with the newer packages: writes their versions into the pins

Pins for other Python versions (`; python_version < "3.11"`) stay as they are, and so do torch and torchvision, of which
an unpinned version may be another build with several GB of CUDA libraries.
"""

import re
import sys
from importlib.metadata import version
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
FILES = (
    "requirements.txt",
    "lambda/requirements.txt",
    "training/requirements.txt",
    "tests/requirements.txt",
    "tests/requirements-app.txt",
)
KEPT = {"torch", "torchvision"}
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?P<extras>\[[^]]*\])?==(?P<version>[^;\s]+)(?P<marker>\s*;.*)?$")


def for_this_python(marker: str | None) -> bool:
    """Return whether a requirement's marker, such as '; python_version >= "3.11"', holds here."""
    return not marker or Marker(marker.strip().removeprefix(";")).evaluate()


def names(text: str) -> list[str]:
    """Return the requirements of a file to install: unpinned, or as they are where the pin is kept."""
    found = [pin for line in text.splitlines() if (pin := PIN.match(line)) and for_this_python(pin["marker"])]
    return [
        str(Requirement(pin.string)).split(";")[0]
        if canonicalize_name(pin["name"]) in KEPT
        else pin["name"] + (pin["extras"] or "")
        for pin in found
    ]


def rewritten(text: str) -> str:
    """Return a requirements file with the versions that are installed here."""

    def raised(line: str) -> str:
        pin = PIN.match(line)
        if pin is None or not for_this_python(pin["marker"]) or canonicalize_name(pin["name"]) in KEPT:
            return line
        return f"{pin['name']}{pin['extras'] or ''}=={version(pin['name'])}{pin['marker'] or ''}"

    return "".join(f"{raised(line)}\n" for line in text.splitlines())


def main() -> None:
    """Run the step that the command line names."""
    files = [ROOT / file for file in FILES]
    if sys.argv[1:] == ["names"]:
        print(*dict.fromkeys(name for file in files for name in names(file.read_text(encoding="utf-8"))), sep="\n")
    elif sys.argv[1:] == ["rewrite"]:
        for file in files:
            file.write_text(rewritten(file.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
