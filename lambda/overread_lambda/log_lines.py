"""The function's log: JSON, one object a line, without image data."""

import json
import traceback
from collections.abc import Mapping
from typing import Any

from overread.errors import OverreadError


def write_line(fields: Mapping[str, Any]) -> None:
    """Print one line; on Lambda, standard output is the function's log."""
    print(json.dumps(fields), flush=True)


def error_fields(error: Exception) -> dict[str, Any]:
    """Return an error's type with its message or, for an unexpected error, its traceback.

    The message of an unexpected error may contain the caller's data, so it is not logged.
    """
    if isinstance(error, OverreadError):
        return {"outcome": type(error).__name__, "message": str(error)}
    return {"outcome": type(error).__name__, "traceback": "".join(traceback.format_tb(error.__traceback__))}
