"""Pictures as visitors and API clients send them, brought to files in the upload cache before Gradio reads them.

Gradio 6.31 checks the path in a ``FileData`` payload, but not in the ``ImageData`` payload of ``gr.Image``: a request
without ``meta`` could name any file of the server (docs/gradio-imagedata-report.md). Here every picture input of every
endpoint passes one check: only a file in the app's own upload cache, a base64 text or an https link is accepted.
"""

import base64
import binascii
import functools
import hashlib
import logging
from pathlib import Path
from typing import Any

import anyio.to_thread
import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState
from gradio.utils import is_in_or_equal

from overread.errors import InputError, UnsupportedImageError
from overread.fetch import fetch
from overread.images import MAX_FILE_BYTES

log = logging.getLogger("overread")

LINK_REDIRECTS = 3
NOT_UPLOADED = (
    "That picture was not uploaded to this app: upload it, or send it as a data URL, base64 text or an https link."
)
UNREADABLE = "The request cannot be read: the API page shows what each endpoint takes."
MAX_BASE64 = MAX_FILE_BYTES // 3 * 4 + 1024  # characters, with a data URL's prefix


class Page(gr.Blocks):
    """A ``gr.Blocks`` whose picture inputs accept nothing from the server's own disk or network."""

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], state: SessionState | None, explicit_call: bool = False
    ) -> list[Any]:
        """Return the inputs as the endpoint's function gets them.

        Raises:
            gr.Error: one sentence on what is wrong with an input; it never tells which files exist here.
        """
        try:
            safe = [
                await anyio.to_thread.run_sync(functools.partial(receive, value, Path(block.GRADIO_CACHE)))
                if isinstance(block, gr.Image)
                else value
                for value, block in zip(inputs, block_fn.inputs, strict=False)
            ]
            return await super().preprocess_data(block_fn, safe + inputs[len(safe) :], state, explicit_call)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except gr.Error:
            raise
        except Exception as error:  # what a payload makes of Gradio's own checks, which may quote a path
            log.warning("a request could not be read (%s)", type(error).__name__)
            raise gr.Error(UNREADABLE, print_exception=False) from error


def receive(value: object, cache: Path) -> dict[str, Any] | None:
    """Return the payload of a picture that lies in the upload cache, or None where none was sent.

    Args:
        value: ``{"path": ...}`` of an uploaded file, ``{"path": LINK}``, ``{"url": LINK or data URL}``, or a text: a
            data URL, base64 or a link. An uploaded file's ``url`` is ignored.
        cache: the folder that uploads are kept in.

    Raises:
        InputError: the value is none of these, its file is outside the cache, or the link cannot be read.
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
    if value.startswith("data:"):
        path = _keep(_from_base64(value.partition(",")[2]), cache)
    elif value.lower().startswith(("https://", "http://")):
        path = _keep(fetch(value, redirects=LINK_REDIRECTS), cache)
    else:
        path = _uploaded(value, cache) or _keep(_from_base64(value), cache)
    return {
        "path": str(path),
        "orig_name": Path(name).name if isinstance(name, str) else path.name,
        "meta": {"_type": "gradio.FileData"},
    }


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
        raise InputError(f"The picture is larger than {MAX_FILE_BYTES // 2**20} MB: send a smaller one.")
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnsupportedImageError(NOT_UPLOADED) from error
    if len(data) < 32:  # a short word is valid base64, and no picture
        raise UnsupportedImageError(NOT_UPLOADED)
    return data


def _keep(data: bytes, cache: Path) -> Path:
    """Return the file in the cache that holds the bytes; Gradio deletes it with the uploads."""
    folder = cache / hashlib.sha256(data).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "picture"
    path.write_bytes(data)
    return path
