"""What is served beside Gradio's page: its own routes, /llms.txt, MCP tools, examples, limits, errors as JSON."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from gradio.route_utils import FnIndexInferError, get_root_url
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from overread.domain_text import api_name
from overread.service import Service
from ui.answering import Answering
from ui.api_reference import llms_txt
from ui.domains import DOMAINS
from ui.examples import EXAMPLES, examples
from ui.failures import as_json
from ui.fields import Fields
from ui.mcp_tools import PATH, McpTools
from ui.page_routes import page_routes
from ui.page_slides import SlideRoutes
from ui.received_images import UNREADABLE, BusyError, UnknownEndpointError, UnreadableRequestError
from ui.request_limits import RequestLimits
from ui.share_tags import ShareTags
from ui.slide_store import SlideStore
from ui.stacks import stack_routes
from ui.turns import BUSY, Turns


def app_options(service: Service, turns: Turns | None = None) -> dict[str, Any]:
    """Return the ``app_kwargs`` of ``gr.Blocks.launch``: what the FastAPI app needs beside Gradio's own routes."""
    turns = turns or Turns()
    tools = McpTools(service, turns)
    slides = SlideStore()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with tools.sessions.run(), slides.swept():
            yield

    def reference(request: Request) -> PlainTextResponse:
        address = get_root_url(request, "/llms.txt", None)
        return PlainTextResponse(llms_txt(service, address), media_type="text/markdown")

    shown = [domain for domain in DOMAINS if examples(domain)]
    images = [Mount(f"/examples/{domain}", app=StaticFiles(directory=EXAMPLES / domain)) for domain in shown]
    return {
        "routes": [
            Route("/llms.txt", reference),
            Mount(PATH, app=tools),
            *images,
            *page_routes(Answering(service), turns),
            *SlideRoutes(Fields(service), slides, turns).routes(),
            *stack_routes(service),
        ],
        "middleware": [Middleware(RequestLimits), Middleware(ShareTags)],
        "lifespan": lifespan,
        "exception_handlers": {
            FnIndexInferError: _unknown_endpoint,
            KeyError: _unreadable_call,
            TypeError: _unreadable_call,
            RequestValidationError: _unreadable_body,
            HTTPException: _busy,
        },
    }


def _unknown_endpoint(request: Request, _: Exception) -> JSONResponse:
    names = ", ".join([*(f"/{api_name(domain)}" for domain in DOMAINS), "/models"])
    return JSONResponse(as_json(UnknownEndpointError(f"There is no such endpoint: choose one of {names}.")), 404)


async def _busy(request: Request, error: Exception) -> Response:
    """Say politely that Gradio's queue is full; every other HTTP error is answered as FastAPI does."""
    assert isinstance(error, HTTPException)
    if error.status_code == 503 and str(error.detail).startswith("Queue is full"):
        said = as_json(BusyError(BUSY))
        return JSONResponse({**said, "detail": said["error"]}, 503, headers={"Retry-After": "30"})
    return await http_exception_handler(request, error)


def _unreadable_call(request: Request, error: Exception) -> JSONResponse:
    """Answer what /call/v2/ raises on an endpoint (KeyError) or an argument (TypeError) that it does not know."""
    if "/gradio_api/call/v2/" not in request.url.path:
        raise error
    return _unknown_endpoint(request, error) if isinstance(error, KeyError) else _unreadable_body(request, error)


def _unreadable_body(_: Request, __: Exception) -> JSONResponse:
    """Answer a body that is no JSON or has no list of arguments; Gradio's own answer would quote it."""
    return JSONResponse(as_json(UnreadableRequestError(UNREADABLE)), 422)
