"""Finds the image files that a command line names, in folders by their content rather than by their suffix."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from overread import dicom
from overread.errors import InputError
from overread.images import FORMATS, READABLE

STDIN = Path("-")
HEAD_BYTES = 132  # a DICOM file is recognised by its bytes 128 to 131
BIG_TIFF = (b"II\x2b\0", b"MM\0\x2b")  # TIFF with 64-bit offsets, made for files above 4 GB
ZIP = b"PK\x03\x04"
SLIDE_SUFFIXES = frozenset({".svs", ".ndpi", ".scn", ".bif", ".vms", ".vmu", ".mrxs"})
BIG_TIFF_SUFFIXES = frozenset({".tif", ".tiff", ".btf"})
DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})


@dataclass(frozen=True)
class FoundFiles:
    """The files to read, and those of the folders that are left out with the reason.

    Attributes:
        images: in the order of the command line, a folder's files in alphabetical order.
        skipped: (file, reason).
    """

    images: tuple[Path, ...]
    skipped: tuple[tuple[Path, str], ...]


def find_images(paths: Sequence[Path]) -> FoundFiles:
    """Return the files to read: each named file, whatever it is, and every image in the named folders.

    Hidden files and folders (``.name``) inside a named folder are ignored.

    Raises:
        InputError: if a folder holds no image, or "-" (standard input) is named twice.
    """
    if paths.count(STDIN) > 1:
        raise InputError("Standard input (-) holds one image: name it once.")
    images: list[Path] = []
    skipped: list[tuple[Path, str]] = []
    for path in paths:
        if not path.is_dir():
            images.append(path)
            continue
        before = len(images)
        for file in _files_below(path):
            reason = why_skipped(file)
            if reason is None:
                images.append(file)
            else:
                skipped.append((file, reason))
        if len(images) == before:
            raise InputError(f"There is no image in the folder {path}.")
    return FoundFiles(tuple(images), tuple(skipped))


def slides_in(path: Path) -> list[Path]:
    """Return the whole-slide images in a folder, or the file itself if it is one, by name and first bytes."""
    return [file for file in (_files_below(path) if path.is_dir() else [path]) if _is_slide(file)]


def _is_slide(file: Path) -> bool:
    suffix = file.suffix.lower()
    if suffix not in BIG_TIFF_SUFFIXES:
        return suffix in SLIDE_SUFFIXES
    try:
        with file.open("rb") as opened:
            return opened.read(4) in BIG_TIFF
    except OSError:
        return False


def why_skipped(file: Path) -> str | None:
    """Return why a file found in a folder is not read, or None if it is an image or has an image's suffix.

    A damaged image is not skipped: reading it fails, and the caller hears of it.
    """
    try:
        with file.open("rb") as opened:
            head = opened.read(HEAD_BYTES)
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    return why_skipped_by(file.name, head)


def why_skipped_by(name: str, head: bytes) -> str | None:
    """Return likewise from a file's name and its first ``HEAD_BYTES`` bytes."""
    suffix = Path(name).suffix.lower()
    if suffix in SLIDE_SUFFIXES or head.startswith(BIG_TIFF):
        return "a whole-slide image: scan it with `overread scan`"
    if head.startswith(ZIP):
        return "a zip: name it itself, and the images in it are read"
    if dicom.is_dicom(head) or _pillow_reads(head) or suffix in _image_suffixes():
        return None
    return f"not {READABLE}"


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(parent) / name


def _pillow_reads(head: bytes) -> bool:
    """Return whether one of Pillow's readers recognises the first bytes of a file."""
    Image.init()
    readers = (Image.OPEN[name] for name in FORMATS if name in Image.OPEN)
    return any(accept is not None and accept(head[:16]) is True for _, accept in readers)


def _image_suffixes() -> frozenset[str]:
    known = Image.registered_extensions().items()
    return DICOM_SUFFIXES | {suffix for suffix, name in known if name in FORMATS}
