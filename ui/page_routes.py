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
from ui.received_images import UnknownEndpointError
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
        return JSONResponse(answering.answer(data, domain, query.get("model", ""), "anyway" in query))

    def cover(data: bytes, domain: Domain, query: dict[str, str]) -> Response:
        return JSONResponse(answering.cover(data, domain, query.get("model", ""), query.get("cells", "")))

    def report(data: bytes, domain: Domain, query: dict[str, str]) -> Response:
        pdf = answering.report(data, domain, query.get("model", ""), query.get("point", ""), "anyway" in query)
        return Response(pdf, media_type="application/pdf")

    return [
        *(
            Route(f"/page/{work.__name__}", _endpoint(work, turns), methods=["POST"])
            for work in (answer, cover, report)
        ),
        Mount("/web", app=Revalidated(directory=WEB)),
    ]


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
