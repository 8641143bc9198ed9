"""A ``gr.Blocks`` that receives images safely, explains every failure in one sentence, and documents its endpoints.

Gradio 6.31 checks the path in a ``FileData`` payload, but not in the ``ImageData`` payload of ``gr.Image``: a request
without ``meta`` could name any file of the server (docs/gradio-imagedata-report.md). Here every input that can carry a
file passes one check, for every endpoint and event; every other input must be a plain value.
"""

import functools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.data_classes import APIInfo
from gradio.state_holder import SessionState

from overread.errors import InputError
from ui.api_reference import Argument
from ui.failures import explained
from ui.received_images import UNREADABLE, UnreadableRequestError, out_of_the_way, receive

log = logging.getLogger("overread")

FILE_INPUTS = (gr.Image, gr.File)


class Page(gr.Blocks):
    """The app's page and API.

    Attributes:
        documented: by endpoint: the ``Argument``s of the API page.
        returned: by endpoint: what its results are.
    """

    documented: Mapping[str, Sequence[Argument]] = {}
    returned: Mapping[str, Sequence[str]] = {}

    async def process_api(self, block_fn: BlockFunction | int, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the answer to one request, as Gradio does.

        Raises:
            gr.Error: whatever goes wrong, as one sentence; for an API client the title is the error's code.
        """
        function = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        try:
            return await super().process_api(block_fn, *args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            raise explained(error, for_program=function.api_visibility == "public") from error

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], state: SessionState | None, explicit_call: bool = False
    ) -> list[Any]:
        """Return the inputs as the function gets them: images as files in the upload cache, everything else as sent.

        Raises:
            InputError: one sentence on what is wrong with an input; it never tells which files exist here.
        """
        values = _with_defaults(block_fn, inputs)
        for number, (block, value) in enumerate(zip(block_fn.inputs, values, strict=True)):
            if isinstance(block, FILE_INPUTS):
                received = functools.partial(receive, value, Path(block.GRADIO_CACHE))
                values[number] = await out_of_the_way(received, value)
            elif not isinstance(value, str | int | float | bool | None):
                raise UnreadableRequestError(UNREADABLE)
        try:
            return await super().preprocess_data(block_fn, values, state, explicit_call)
        except (InputError, gr.Error):
            raise
        except Exception as error:  # what a payload makes of Gradio's own checks, which may quote a path
            log.warning("a request could not be read (%s)", type(error).__name__)
            raise UnreadableRequestError(UNREADABLE) from error

    def get_api_info(self, all_endpoints: bool = False, page: str | None = None) -> APIInfo:
        """Return Gradio's description of the endpoints with our texts and examples for their arguments."""
        info = super().get_api_info(all_endpoints, page)
        for name, arguments in self.documented.items():
            if endpoint := info["named_endpoints"].get(name):
                for parameter, argument in zip(endpoint["parameters"], arguments, strict=True):
                    parameter["example_input"] = argument.example
                    _describe(parameter, argument.description)
                for result, text in zip(endpoint["returns"], self.returned[name], strict=True):
                    _describe(result, text)
        return info


def _describe(value: Any, text: str) -> None:
    """Set the description of a parameter or result, as the API page, ``view_api`` and OpenAPI show it."""
    value["type"] = {**value["type"], "description": text}
    value["type"].pop("additional_description", None)
    value["python_type"]["description"] = text


def _with_defaults(block_fn: BlockFunction, inputs: list[Any]) -> list[Any]:
    """Return one value per input; an optional input that was left out gets its default."""
    wanted = len(block_fn.inputs)
    if len(inputs) > wanted:
        raise UnreadableRequestError(f"The endpoint takes at most {wanted} arguments, not {len(inputs)}. {UNREADABLE}")
    return [*inputs, *(getattr(block, "value", None) for block in block_fn.inputs[len(inputs) :])]
