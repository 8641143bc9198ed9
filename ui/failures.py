"""Turns what goes wrong into one sentence and a stable code, for visitors, API clients and MCP clients alike."""

import inspect
import logging
import re
import traceback

import gradio as gr
from starlette.responses import JSONResponse

from overread.errors import InputError, ModelFolderError, OverreadError, RefusedImageError
from ui.received_images import BusyError

log = logging.getLogger("overread")

OUR_FAULT = "Something went wrong on our side: please try again."
INTERNAL = "internal"
NOT_ANSWERED = "Not answered"  # title of the message that a visitor sees


def code_of(error: BaseException) -> str:
    """Return the stable code of an error, such as "corrupt_image" for ``CorruptImageError``."""
    if not isinstance(error, OverreadError):
        return INTERNAL
    name = type(error).__name__.removesuffix("Error")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def codes() -> dict[str, str]:
    """Return every code with its meaning: one for each type of input error, and two for errors of this server."""
    found: dict[str, str] = {}
    waiting: list[type[OverreadError]] = list(InputError.__subclasses__())
    while waiting:
        kind = waiting.pop(0)
        found[code_of(kind())] = inspect.getdoc(kind) or ""
        waiting += kind.__subclasses__()
    found[code_of(ModelFolderError())] = "A model's files on the server are incomplete or altered."
    found[INTERNAL] = OUR_FAULT
    return found


def sentence_of(error: Exception) -> str:
    """Return the sentence for whoever sent the request; an error of the server is logged first."""
    if isinstance(error, InputError):
        return str(error)
    # The message of an unexpected error may quote what a visitor sent, so only its type and traceback are logged.
    trace = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s while answering\n%s", type(error).__name__, trace.rstrip())
    return str(error) if isinstance(error, OverreadError) else OUR_FAULT


def as_json(error: Exception) -> dict[str, str]:
    """Return the error as the body of an HTTP answer, in the words that Gradio uses for its events."""
    return {"error": sentence_of(error), "title": code_of(error)}


def refusal(error: Exception, **more: str) -> JSONResponse:
    """Return the error as the page's own routes answer it, with what else the page is to show."""
    status = 503 if isinstance(error, BusyError) else 422 if isinstance(error, InputError) else 500
    said = as_json(error)
    if isinstance(error, RefusedImageError) and error.verdict:
        said["error"] = error.verdict.reason  # the page has a button for what the rest of the sentence says
    return JSONResponse({**said, **more}, status)


def explained(error: Exception, for_program: bool) -> gr.Error:
    """Return the error as Gradio sends it to a browser or a client.

    Args:
        error: whatever was raised while a request was answered.
        for_program: the title is the error's code, for API clients; else a title for a visitor.
    """
    title = code_of(error) if for_program else NOT_ANSWERED
    return gr.Error(sentence_of(error), title=title, print_exception=False)
