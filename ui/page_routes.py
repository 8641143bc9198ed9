"""The page's own routes: an image file as the body of a request, the answer as JSON, the report as PDF.

The file stays in memory: it is written to no disk and to no log. Gradio's upload route would keep it for an hour.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from overread.catalogue import Domain
from ui.answering import Answering
from ui.domains import DOMAINS
from ui.failures import refusal
from ui.received_images import UnknownEndpointError, UnreadableRequestError
from ui.turns import Turns

WEB = Path(__file__).with_name("web")


class Revalidated(StaticFiles):
    """Static files that a browser asks about again on every visit, so that no page mixes two versions of them."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return the file, or 304 if the browser has it."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def page_routes(answering: Answering, turns: Turns) -> list[Route | Mount]:
    """Return the routes ``/page/answer``, ``/page/cover``, ``/page/report`` and the scripts of the page."""

    def answer(data: bytes, domain: Domain, query: dict[str, str]) -> Response:
        return JSONResponse(answering.answer(data, domain, query.get("model", ""), "anyway" in query, **_scale(query)))

    def cover(data: bytes, domain: Domain, query: dict[str, str]) -> Response:
        cells = query.get("cells", "")
        return JSONResponse(answering.cover(data, domain, query.get("model", ""), cells, **_scale(query)))

    def report(data: bytes, domain: Domain, query: dict[str, str]) -> Response:
        model, point = query.get("model", ""), query.get("point", "")
        pdf = answering.report(data, domain, model, point, "anyway" in query, **_scale(query))
        return Response(pdf, media_type="application/pdf")

    return [
        *(
            Route(f"/page/{work.__name__}", _endpoint(work, turns), methods=["POST"])
            for work in (answer, cover, report)
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
    try:
        return float(text) if text else None
    except ValueError as error:
        raise UnreadableRequestError(f"{text[:20]!r} is not a number.") from error


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
