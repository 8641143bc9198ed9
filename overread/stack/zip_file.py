"""Images in a zip file, which is never trusted: nothing is extracted to disk, one member at a time is in memory.

Refused as a whole: a directory that is too large, members that share bytes (the overlapping zip bomb, Fifield 2019).
Left out with a reason: encrypted members, links, zips in the zip, other compressions than Deflate (their readers in
Python have no limit on what a few bytes unpack to), members that unpack to far more than their size.
"""

import stat
import struct
import zipfile
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path, PurePosixPath, PureWindowsPath

from overread.errors import CorruptImageError, ImageTooLargeError, InputError, UnsupportedImageError
from overread.image_files import HEAD_BYTES, ZIP
from overread.images import MAX_FILE_BYTES

MAX_MEMBERS = 50_000
MAX_DIRECTORY_BYTES = 16 * 2**20
MAX_RATIO = 100  # photographs and scans shrink to a half or a tenth; only empty ones shrink further
FREE_BYTES = 2 * 2**20  # up to this size the ratio does not matter: an empty bitmap is no bomb

LOCAL_HEADER_BYTES = 30
END_OF_DIRECTORY = struct.Struct("<4s4H2LH")  # signature, disks, counts, size and offset of the directory, comment
END_SIGNATURE = b"PK\x05\x06"
READ_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
IS_ENCRYPTED = 0x1


class ZipError(InputError):
    """The zip file is damaged, too large, or made to deceive."""


def is_zip(path: Path) -> bool:
    """Return whether a file starts as zip files do."""
    try:
        with path.open("rb") as file:
            return file.read(len(ZIP)) == ZIP
    except OSError:
        return False


def members(path: Path) -> Sequence[zipfile.ZipInfo]:
    """Return the files of a zip in alphabetical order, without folders and hidden files.

    Raises:
        ZipError: if the zip as a whole cannot be trusted.
    """
    found = _opened(path).infolist()
    by_place = sorted(found, key=lambda info: info.header_offset)
    for one, following in pairwise(by_place):
        if one.header_offset + LOCAL_HEADER_BYTES + one.compress_size > following.header_offset:
            raise ZipError(f"{path}: files in this zip share their bytes, as in a zip bomb: it is not read.")
    by_name = {info.filename: info for info in found if not _is_ignored(info)}  # of two of one name the last counts
    return [by_name[name] for name in sorted(by_name)]


def why_left_out(info: zipfile.ZipInfo) -> str | None:
    """Return why a member is not read, or None; its content is not looked at."""
    if not is_inside(info.filename):
        return "its name leads out of the zip"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a link, not a file"
    if info.flag_bits & IS_ENCRYPTED:
        return "encrypted: save the zip without a password"
    if info.compress_type not in READ_METHODS:
        return "compressed in an unusual way: zip it with Deflate"
    if info.filename.lower().endswith(".zip"):
        return "a zip inside the zip: name it itself"
    if info.file_size > max(FREE_BYTES, MAX_RATIO * info.compress_size):
        return f"it unpacks to more than {MAX_RATIO} times its size, as a zip bomb does"
    return None


def is_inside(name: str) -> bool:
    """Return whether a member's name stays below the folder that it would be put in, on any system."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    return bool(posix.parts) and not (posix.is_absolute() or windows.anchor or ".." in windows.parts or "\0" in name)


def head(path: Path, name: str) -> bytes:
    """Return the first bytes of a member, by which its kind is recognised; errors as for ``read``."""
    return read(path, name, HEAD_BYTES)


def read(path: Path, name: str, limit: int = MAX_FILE_BYTES + 1) -> bytes:
    """Return up to ``limit`` bytes of a member.

    Raises:
        UnsupportedImageError, ImageTooLargeError, CorruptImageError: the member cannot be read.
        ZipError: nor can the zip.
    """
    opened = _opened(path)
    try:
        info = opened.getinfo(name)
    except KeyError as error:
        raise UnsupportedImageError(f"There is no file {name!r} in the zip any more.") from error
    if reason := why_left_out(info):
        raise UnsupportedImageError(f"Not read: {reason}.")
    if info.file_size > MAX_FILE_BYTES:
        raise ImageTooLargeError(f"The file is larger than {MAX_FILE_BYTES // 2**20} MB: send a smaller one.")
    try:
        with opened.open(info) as file:
            return file.read(limit)
    except Exception as error:  # zipfile and zlib raise many types on damaged bytes
        raise CorruptImageError("This file in the zip is damaged: zip it again.") from error


@lru_cache(maxsize=1)  # the directory of a large zip takes half a second to read
def _opened(path: Path) -> zipfile.ZipFile:
    try:
        _check_directory(path)
        return zipfile.ZipFile(path)
    except OSError as error:
        raise ZipError(f"{path}: the zip cannot be opened ({error.strerror}).") from error
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
        raise ZipError(f"{path}: the zip is damaged: save it again.") from error


def _check_directory(path: Path) -> None:
    """Check the size of the directory before it is read: every entry takes memory, whatever the zip holds."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - END_OF_DIRECTORY.size - 0xFFFF))
        tail = file.read()
    at = tail.rfind(END_SIGNATURE)
    if at < 0:
        raise zipfile.BadZipFile
    _, _, _, _, count, directory_bytes, _, _ = END_OF_DIRECTORY.unpack_from(tail, at)
    if count > MAX_MEMBERS or directory_bytes > MAX_DIRECTORY_BYTES:
        raise ZipError(f"{path}: a zip may hold up to {MAX_MEMBERS:,} files: unpack it and name the folder.")


def _is_ignored(info: zipfile.ZipInfo) -> bool:
    return info.is_dir() or any(
        part.startswith((".", "__MACOSX")) and part != ".." for part in info.filename.split("/")
    )
