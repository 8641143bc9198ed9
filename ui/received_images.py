"""Reads an image as visitors and API clients send it: an upload, a data URL, base64 text or an https link."""

import base64
import binascii
import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from gradio.utils import is_in_or_equal

from overread.errors import EmptyImageError, ImageTooLargeError, InputError, UnsupportedImageError
from overread.images import MAX_FILE_BYTES
from overread.link_download import fetch

R = TypeVar("R")

LINK_REDIRECTS = 3
LINKS = anyio.CapacityLimiter(16)  # downloads at a time: slow ones leave the other threads to everybody else
NOT_UPLOADED = (
    "That picture was not uploaded to this app: upload it, or send it as a data URL, base64 text or an https link."
)
NOTHING_SENT = "There is no picture: upload or paste one, or pick an example."
MAX_BASE64 = MAX_FILE_BYTES // 3 * 4 + 1024  # characters, with a data URL's prefix
MIN_BYTES = 32  # a short word is valid base64, and no image
UNREADABLE = "The request cannot be read: /llms.txt and the API page say what each endpoint takes."


class UnreadableRequestError(InputError):
    """The request has unknown or too many arguments, or one of the wrong type."""


class UnknownEndpointError(InputError):
    """There is no endpoint or tool of that name."""


class BusyError(InputError):
    """Too many requests are waiting: try again in a moment."""


def receive(value: object, cache: Path) -> dict[str, Any] | None:
    """Return the Gradio file payload of an image in the upload cache; None if no image was sent.

    Args:
        value: ``{"path": ...}`` of an uploaded file, ``{"path": LINK}``, ``{"url": LINK or data URL}``, or a string: a
            data URL, base64 or a link. The ``url`` of an uploaded file is ignored.
        cache: the folder that uploads are kept in.

    Raises:
        InputError: the value is none of these, its file is outside the cache, or the link cannot be read. The message
            never tells which files exist here.
    """
    if value is None or value == "":
        return None
    name = None
    if isinstance(value, dict):
        name = value.get("orig_name")
        value = value.get("path") or value.get("url")
        if value is None:
            return None
    if not isinstance(value, str):
        raise UnsupportedImageError(NOT_UPLOADED)
    path = _uploaded(value, cache) or _keep(image_bytes(value), cache)
    return {
        "path": str(path),
        "orig_name": Path(name).name if isinstance(name, str) else path.name,
        "meta": {"_type": "gradio.FileData"},
    }


async def out_of_the_way(work: Callable[[], R], value: object) -> R:
    """Return what ``work`` returns, from a thread: one of a few where ``value`` holds a link, which may be slow."""
    held = (value.get("path") or value.get("url")) if isinstance(value, dict) else value
    return await anyio.to_thread.run_sync(work, limiter=LINKS if _is_link(held) else None)


def _is_link(value: object) -> bool:
    return isinstance(value, str) and value.lower().startswith(("https://", "http://"))


def image_bytes(text: str) -> bytes:
    """Return the file behind a data URL, base64 text or an https link.

    Raises:
        InputError: the text is none of these, the file is too large, or the link cannot be read.
    """
    if _is_link(text):
        return fetch(text, redirects=LINK_REDIRECTS)
    return _from_base64(text.partition(",")[2] if text.startswith("data:") else text)


def path_of(payload: dict[str, Any] | None) -> Path:
    """Return the file of a payload that ``receive`` made.

    Raises:
        EmptyImageError: no image was sent.
    """
    if not payload:
        raise EmptyImageError(NOTHING_SENT)
    return Path(payload["path"])


def _uploaded(value: str, cache: Path) -> Path | None:
    """Return the uploaded file of that path; None if it is no file in the cache, whether it exists elsewhere or not."""
    try:
        if len(value) < 4096 and is_in_or_equal(value, cache) and Path(value).is_file():
            return Path(value).resolve()
    except (OSError, ValueError):  # a null byte, a name that is too long
        pass
    return None


def _from_base64(text: str) -> bytes:
    if len(text) > MAX_BASE64:
        raise ImageTooLargeError(f"The picture is larger than {MAX_FILE_BYTES // 2**20} MB: send a smaller one.")
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnsupportedImageError(NOT_UPLOADED) from error
    if len(data) < MIN_BYTES:
        raise UnsupportedImageError(NOT_UPLOADED)
    return data


def _keep(data: bytes, cache: Path) -> Path:
    """Return the file in the cache that holds the bytes; Gradio deletes it with the uploads.

    Equal images share a file, which another request may be reading: it is replaced whole, never written in place.
    """
    folder = cache / hashlib.sha256(data).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    path, written = folder / "picture", folder / uuid.uuid4().hex
    written.write_bytes(data)
    return written.replace(path)
