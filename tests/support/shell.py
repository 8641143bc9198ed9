"""The ``overread`` command, run as its users run it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def overread(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what the command printed, in a process of its own, and its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "overread", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
