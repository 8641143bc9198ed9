"""The MCP tools: one for each domain, and the list of models, at /gradio_api/mcp/ over streamable HTTP.

Gradio's own MCP layer answers a client without a progress token with one Python-repr text and no image, and sends PNG
files that come near some desktop clients' limit of 1 MiB. These tools send JSON text and a small JPEG to every client.
"""

import base64
import io
import json
from collections.abc import Mapping
from typing import Any

from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from overread.catalogue import Domain
from overread.classifier import Classifier
from overread.domain_text import api_name
from overread.prediction import DISCLAIMER
from overread.scan import Progress
from overread.service import Service
from ui.api_reference import LIMITS, Argument, answer_fields, arguments
from ui.domains import DOMAINS, task
from ui.failures import code_of, sentence_of
from ui.mcp_scan import DESCRIPTION as SCAN_DESCRIPTION
from ui.mcp_scan import NAME as SCAN
from ui.mcp_scan import ScanTool
from ui.received_images import (
    NOT_UPLOADED,
    UnknownEndpointError,
    UnreadableRequestError,
    image_bytes,
    out_of_the_way,
)
from ui.request_limits import MAX_BODY_BYTES
from ui.turns import Turns

PATH = "/gradio_api/mcp"
LIST_MODELS = "list_models"
MAX_SIDE = 512  # pixels of the image that is sent
MAX_IMAGE_CHARACTERS = 150_000  # as base64
JPEG_QUALITIES = (90, 80, 70, 55, 40, 25)  # the first that fits; a picture of pure noise needs one of the last
GRID = "include_heatmap_grid"


class McpTools:
    """An ASGI app that serves the tools; ``sessions.run()`` must be entered for as long as it serves."""

    def __init__(self, service: Service, turns: Turns) -> None:
        """Make the tools from the loaded models; ``turns`` says whose call computes next."""
        self._service = service
        self._by_tool: dict[str, Domain] = {api_name(domain): domain for domain in DOMAINS}
        self._turns = turns
        self._scan = ScanTool(service, turns)
        self._server = server = Server[Any, Any]("Overread", instructions=DISCLAIMER)
        server.list_tools()(self.tools)  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
        server.call_tool(validate_input=False)(self.call)  # we check, to answer with our own sentences
        self.sessions = StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=MAX_BODY_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request: MCP, the tools' schema for /schema, or a hint for a browser."""
        request = Request(scope, receive)
        response: Response
        if scope["path"].rstrip("/").endswith("/schema"):  # Hugging Face reads a Space's tools here
            response = JSONResponse(
                [tool.model_dump(include={"name", "description", "inputSchema"}) for tool in await self.tools()]
            )
        elif request.method == "GET" and "text/event-stream" not in request.headers.get("accept", ""):
            response = PlainTextResponse("This address is for MCP clients (streamable HTTP): see docs/mcp.md.\n")
        else:
            return await self.sessions.handle_request(scope, receive, send)
        return await response(scope, receive, send)

    async def tools(self) -> list[types.Tool]:
        """Return the tools with descriptions and input schemas."""
        tools = [
            types.Tool(name=name, description=self._description(domain), inputSchema=self._schema(domain))
            for name, domain in self._by_tool.items()
        ]
        scan = types.Tool(name=SCAN, description=SCAN_DESCRIPTION, inputSchema=_schema_of(self._scan.arguments))
        listed = "Lists the loaded models: name, domain, revision, SHA-256, operating points, as JSON."
        empty = {"type": "object", "properties": {}, "additionalProperties": False}
        return [*tools, scan, types.Tool(name=LIST_MODELS, description=f"{listed} {DISCLAIMER}", inputSchema=empty)]

    async def call(self, name: str, sent: dict[str, Any]) -> types.CallToolResult:
        """Return a tool's answer; whatever goes wrong is an error result with one sentence and its code."""
        try:
            if name == LIST_MODELS:
                return _result(types.TextContent(type="text", text=json.dumps(self._service.describe())))
            if name == SCAN:
                summary, drawn = await self._scan.call(_checked(_schema_of(self._scan.arguments), sent), self._notify)
                text = json.dumps(summary, ensure_ascii=False)
                return _result(types.TextContent(type="text", text=text), _small_jpeg(drawn))
            if name not in self._by_tool:
                raise UnknownEndpointError(f"There is no tool {name!r}: choose {', '.join([*self._by_tool, SCAN])}.")
            domain = self._by_tool[name]
            values = _checked(self._schema(domain), sent)
            classifier = self._service.classifier(domain, values["model"])
            classifier.config.operating_point(values["operating_point"] or None)  # raises before a link is read
            # Before the turn: a slow link must not keep other calls from computing.
            data = await out_of_the_way(lambda: image_bytes(values["image"]), values["image"])
            return await self._turns.run(lambda: self._answer(classifier, data, values))
        except Exception as error:
            text = json.dumps({"error": sentence_of(error), "code": code_of(error)}, ensure_ascii=False)
            return types.CallToolResult(content=[types.TextContent(type="text", text=text)], isError=True)

    def _answer(self, classifier: Classifier, data: bytes, values: Mapping[str, Any]) -> types.CallToolResult:
        prediction = classifier.predict(
            data,
            values["operating_point"] or None,
            values["smooth"],
            values["answer_anyway"],
            mpp=values.get("mpp") or None,
            squash=values.get("squash", False),
        )
        answer = prediction.to_json()
        if not values[GRID]:
            del answer["heatmap"]["values"]
        text = json.dumps(answer, ensure_ascii=False)
        return _result(types.TextContent(type="text", text=text), _small_jpeg(prediction.overlay))

    def _description(self, domain: Domain) -> str:
        return (
            f"{task(self._service, domain)} {DISCLAIMER} Returns JSON ({answer_fields()}) and the image with its heat "
            "map as a JPEG: orange speaks for the finding, teal against it."
        )

    def _schema(self, domain: Domain) -> dict[str, Any]:
        schema = _schema_of(arguments(self._service, domain))
        properties = schema["properties"]
        properties["image"]["description"] = (
            f"{DOMAINS[domain].image}. As a data URL, base64 text or an https link. {LIMITS}"
        )
        properties[GRID] = {
            "type": "boolean",
            "description": "also return the heat map's cells as numbers (log-odds)",
            "default": False,
        }
        return schema

    async def _notify(self, progress: Progress) -> None:
        """Tell a client that asked for it how far a scan is."""
        context = self._server.request_context
        if context.meta and context.meta.progressToken is not None:
            await context.session.send_progress_notification(
                context.meta.progressToken, progress.done, progress.total, related_request_id=str(context.request_id)
            )


def _schema_of(arguments: list[Argument]) -> dict[str, Any]:
    """Return the JSON Schema of a tool's input, of which the image is required."""
    properties: dict[str, Any] = {}
    for argument in arguments:
        properties[argument.name] = {"type": argument.type, "description": argument.description}
        if argument.choices:
            properties[argument.name] |= {"enum": list(argument.choices), "default": argument.example}
        elif argument.default is not None:
            properties[argument.name]["default"] = argument.default
    return {"type": "object", "properties": properties, "required": ["image"], "additionalProperties": False}


def _checked(schema: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return every argument with its default where it was left out.

    Raises:
        UnreadableRequestError: if one is missing, unknown or of the wrong type.
    """
    kinds: dict[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "number": (int, float)}
    properties = schema["properties"]
    if unknown := set(sent) - set(properties):
        raise UnreadableRequestError(
            f"There is no argument {sorted(unknown)[0]!r}: the arguments are {', '.join(properties)}."
        )
    if not isinstance(sent.get("image"), str):
        raise UnreadableRequestError(NOT_UPLOADED if "image" in sent else "The argument 'image' is missing.")
    values = {name: sent.get(name, entry.get("default")) for name, entry in properties.items()}
    for name, value in values.items():
        kind = properties[name]["type"]
        if not isinstance(value, kinds[kind]) or (kind == "number" and isinstance(value, bool)):
            raise UnreadableRequestError(f"The argument {name!r} must be a {kind}.")
    return values


def _result(*content: types.TextContent | types.ImageContent) -> types.CallToolResult:
    return types.CallToolResult(content=list(content))


def _small_jpeg(image: Image.Image) -> types.ImageContent:
    """Return the image as a JPEG of at most 512 px and 150,000 base64 characters."""
    small = image.copy()
    small.thumbnail((MAX_SIDE, MAX_SIDE))
    data = ""
    for quality in JPEG_QUALITIES:
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=quality)
        data = base64.b64encode(buffer.getvalue()).decode()
        if len(data) <= MAX_IMAGE_CHARACTERS:
            break
    return types.ImageContent(type="image", data=data, mimeType="image/jpeg")
