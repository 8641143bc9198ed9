"""The files of this repository that are deployed: committed ones only."""

import io
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from overread.errors import OverreadError

ROOT = Path(__file__).parents[2]


class CheckoutError(OverreadError):
    """The repository is not there, or not in a state that can be deployed."""


def committed_files(paths: Sequence[str], to: Path, root: Path = ROOT) -> str:
    """Write the committed files below some paths into a folder and return the commit (40 hexadecimal digits).

    Args:
        paths: of files and folders in the repository, or git's pathspecs such as ``:(exclude)...``.
        to: the folder, made where missing.
        root: of the checkout.

    Raises:
        CheckoutError: if ``root`` is no checkout, or files below the paths have changes that are not committed.
    """
    if not (root / "app.py").is_file():
        raise CheckoutError("Deploying needs the repository: clone it and give the command in its folder.")
    changed = _git(root, "status", "--porcelain", "--", *paths).decode().splitlines()
    if changed:
        raise CheckoutError(
            f"{changed[0][3:]}{' and others' if changed[1:] else ''} would be deployed without your last changes: "
            "commit them first."
        )
    to.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "HEAD", "--", *paths))) as archive:
        archive.extractall(to, filter="data")
    return _git(root, "rev-parse", "HEAD").decode().strip()


def _git(root: Path, *arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error).encode()
        raise CheckoutError(f"git cannot read this repository: {' '.join(said.decode().split())}") from error
