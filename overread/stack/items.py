"""What a command line names, one item for each image: a file, or a member of a zip file."""

import hashlib
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.errors import InputError
from overread.image_files import STDIN, find_images, why_skipped_by
from overread.images import MAX_FILE_BYTES, ImageSource
from overread.stack import zip_file


@dataclass(frozen=True)
class Item:
    """One image to answer.

    Attributes:
        path: of the file; of a member of a zip the zip's path with the member's name after it, which no file has.
        zip: the zip file that the image is in.
        member: its name in there.
    """

    path: Path
    zip: Path | None = None
    member: str = ""

    @property
    def source(self) -> ImageSource:
        """What a classifier takes.

        Raises:
            InputError: it is in a zip and cannot be read.
        """
        if self.zip:
            return zip_file.read(self.zip, self.member)
        return io.BytesIO(sys.stdin.buffer.read(MAX_FILE_BYTES + 1)) if self.path == STDIN else self.path

    def sha256(self) -> str:
        """Return the hexadecimal SHA-256 of the file's bytes; "" if they cannot be read, or are too many."""
        try:
            if self.zip:
                data = zip_file.read(self.zip, self.member)
            else:
                with self.path.open("rb") as file:
                    data = file.read(MAX_FILE_BYTES + 1)
        except (OSError, InputError):
            return ""
        return hashlib.sha256(data).hexdigest() if len(data) <= MAX_FILE_BYTES else ""


@dataclass(frozen=True)
class Found:
    """The images to answer, in order, and the files that are left out with the reason."""

    items: tuple[Item, ...]
    skipped: tuple[tuple[Path, str], ...]


def find_items(paths: Sequence[Path]) -> Found:
    """Return the images in the named files, folders and zip files; see ``overread.image_files.find_images``.

    Raises:
        InputError: a folder or a zip holds no image, a zip cannot be trusted, or "-" is named twice.
    """
    zips = {path for path in paths if zip_file.is_zip(path)}
    found = find_images([path for path in paths if path not in zips])
    of_zips = [_in_zip(path) for path in sorted(zips)]
    items = [Item(path) for path in found.images]
    unique = {item.path: item for item in (*items, *(item for part in of_zips for item in part.items))}
    return Found(tuple(unique.values()), (*found.skipped, *(left for part in of_zips for left in part.skipped)))


def _in_zip(path: Path) -> Found:
    items, skipped = [], []
    for info in zip_file.members(path):
        place = path / info.filename
        reason = zip_file.why_left_out(info)
        if reason is None and info.file_size <= MAX_FILE_BYTES:  # reading says of a larger one that it is too large
            reason = _why_no_image(path, info.filename)
        if reason:
            skipped.append((place, reason))
        else:
            items.append(Item(place, path, info.filename))
    if not items:
        because = f" {skipped[0][0]}: {skipped[0][1]}." if skipped else ""
        raise InputError(f"There is no image in the zip {path}.{because}")
    return Found(tuple(items), tuple(skipped))


def _why_no_image(path: Path, member: str) -> str | None:
    try:
        return why_skipped_by(member, zip_file.head(path, member))
    except InputError:
        return None  # damaged: reading it fails, and the caller hears of it
