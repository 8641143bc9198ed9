"""The page's own routes: an image file as the body of a request, the answer as JSON, the report as PDF.

The file stays in memory: it is written to no disk and to no log. Gradio's upload route would keep it for an hour.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from overread.catalogue import Domain
from overread.errors import InputError
from ui.answering import Answering, picture_of
from ui.domains import DOMAINS
from ui.failures import refusal
from ui.received_images import UnknownEndpointError, UnreadableRequestError
from ui.turns import Turns

GREY = "Overread-Grey"  # header: what the 16-bit numbers in the body mean, see ``GreyValues``
WEB = Path(__file__).with_name("web")


class Revalidated(StaticFiles):
    """Static files that a browser asks about again on every visit, so that no page mixes two versions of them."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return the file, or 304 if the browser has it."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def page_routes(answering: Answering, turns: Turns) -> list[Route | Mount]:
    """Return the routes ``/page/answer``, ``cover``, ``report`` and ``values``, and the scripts of the page."""

    def answer(data: bytes, domain: Domain, query: dict[str, str]) -> Response:
        model, anyway = query.get("model", ""), "anyway" in query
        try:
            return JSONResponse(answering.answer(data, domain, model, anyway, **_scale(query)))
        except InputError as error:  # the visitor sees what was sent beside the reason
            return refusal(error, picture=picture_of(data))

    def cover(data: bytes, domain: Domain, query: dict[str, str]) -> Response:
        cells = query.get("cells", "")
        return JSONResponse(answering.cover(data, domain, query.get("model", ""), cells, **_scale(query)))

    def report(data: bytes, domain: Domain, query: dict[str, str]) -> Response:
        model, point = query.get("model", ""), query.get("point", "")
        pdf = answering.report(data, domain, model, point, "anyway" in query, **_scale(query))
        return Response(pdf, media_type="application/pdf")

    def values(data: bytes, domain: Domain, query: dict[str, str]) -> Response:
        found = answering.grey_values(data)
        numbers, least, step = found.in_16_bits()
        height, width = numbers.shape
        said = {"width": width, "height": height, "least": least, "step": step}
        shown = {"low": found.low, "high": found.high, "inverted": found.inverted}
        body = numbers.astype("<u2").tobytes()
        return Response(body, media_type="application/octet-stream", headers={GREY: json.dumps(said | shown)})

    return [
        *(
            Route(f"/page/{work.__name__}", _endpoint(work, turns), methods=["POST"])
            for work in (answer, cover, report, values)
        ),
        Mount("/web", app=Revalidated(directory=WEB)),
    ]


def _scale(query: dict[str, str]) -> dict[str, Any]:
    """Return how a picture is to be read by a model of patches: at which um/px, or squashed."""
    return {"mpp": number(query.get("mpp", "")), "squash": "squash" in query}


def number(text: str) -> float | None:
    """Return the number in a query, or None for an empty text.

    Raises:
        UnreadableRequestError: if it is none.
    """
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UnreadableRequestError(f"{text[:20]!r} is not a number.")
    return value


def _endpoint(work: Callable[[bytes, Domain, dict[str, str]], Response], turns: Turns) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        data, query = await request.body(), dict(request.query_params)
        try:
            domain = next((name for name in DOMAINS if name == query.get("domain")), None)
            if domain is None:
                raise UnknownEndpointError(f"There is no such tab: choose one of {', '.join(DOMAINS)}.")
            return await turns.run(lambda: work(data, domain, query))
        except Exception as error:
            return refusal(error)

    return endpoint
