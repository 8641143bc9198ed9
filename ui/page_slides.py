"""The page's routes for slides and fields: what was sent, its plan, its scan, its tiles and what it leaves.

Every address below ``/page/slide/KEY`` works for whoever knows the key, which only the visitor who sent the file does.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from overread.errors import ImageTooLargeError, InputError
from overread.scan import ScanResult
from overread.scan.outputs import MAP, REGIONS, SUMMARY, TABLE
from ui.failures import as_json, refusal
from ui.fields import Fields
from ui.page_routes import number
from ui.received_images import UnreadableRequestError
from ui.request_limits import MAX_SLIDE_BYTES
from ui.scan_events import scan_events
from ui.slide_looks import look, patch_at, planned, shown
from ui.slide_store import SlideStore
from ui.slide_tiles import TILE, encoded, map_tile, slide_tile
from ui.turns import BUSY, BUSY_SLOWLY, Lane, Turns

FILES = {
    SUMMARY: "application/json",
    TABLE: "text/csv",
    REGIONS: "application/geo+json",
    MAP: "image/tiff",
    "probability.png": "image/png",
}
SLIDE = "slide"  # the layer of its own pixels; the others are maps
PRIVATE = {"Cache-Control": "private, max-age=3600"}
Answer = Callable[[Request], Awaitable[Response]]


class NoSuchFileError(InputError):
    """A scan leaves no file of that name."""


class SlideRoutes:
    """The routes; see ``routes``."""

    def __init__(self, fields: Fields, store: SlideStore, turns: Turns) -> None:
        """Share the slow lane with other long work; looking and tiles have lanes of their own."""
        self._fields, self._store, self._turns = fields, store, turns
        self._looks, self._tiles = Lane(1, 8, BUSY_SLOWLY), Lane(2, 512, BUSY)

    def routes(self) -> list[Route]:
        """Return ``/page/slide`` and what lies below it."""
        key = "/page/slide/{key}"
        return [
            Route("/page/slide", _answered(self.receive), methods=["POST"]),
            Route(f"{key}/plan", _answered(self.plan), methods=["POST"]),
            Route(f"{key}/scan", _answered(self.scan), methods=["POST"]),
            Route(f"{key}/forget", _answered(self.forget), methods=["POST"]),
            Route(f"{key}/patch", _answered(self.patch)),
            Route(f"{key}/files/{{name}}", _answered(self.file)),
            Route(f"{key}/{{layer}}.dzi", _answered(self.pyramid)),
            Route(f"{key}/{{layer}}_files/{{level:int}}/{{column:int}}_{{row:int}}.{{kind}}", _answered(self.tile)),
        ]

    async def receive(self, request: Request) -> Response:
        """Keep the file in the body and say what it is; see ``ui.slide_looks.look``."""
        query = request.query_params
        kept = self._store.add(query.get("name", ""))
        try:
            with kept.file.open("wb") as file:
                received = 0
                async for chunk in request.stream():
                    received += len(chunk)
                    if received > MAX_SLIDE_BYTES:
                        raise ImageTooLargeError(f"The slide is larger than {MAX_SLIDE_BYTES // 2**20} MB.")
                    file.write(chunk)
            said = await self._looks.run(lambda: look(kept, self._fields, query.get("model", ""), "anyway" in query))
        except BaseException:
            self._store.forget(kept.key)
            raise
        if said["kind"] == "patch":
            self._store.forget(kept.key)
        return JSONResponse({**said, "key": kept.key})

    async def plan(self, request: Request) -> Response:
        """Say what a scan would do at a scale and with a model."""
        kept, query = self._store.get(request.path_params["key"]), request.query_params
        mpp = number(query.get("mpp", ""))
        said = await self._looks.run(lambda: planned(kept, self._fields, query.get("model", ""), mpp))
        return JSONResponse({**said, "key": kept.key})

    async def scan(self, request: Request) -> Response:
        """Stream one JSON object a line: progress, and at the end the result or an error."""
        kept = self._store.get(request.path_params["key"])
        plan, point = kept.planned, request.query_params.get("point", "")
        plan.model.classifier.config.operating_point(point or None)
        events = scan_events(
            lambda progress, stopped: self._fields.scan(plan, kept.results, point, progress, stopped), self._turns.slow
        )

        async def lines() -> AsyncIterator[str]:
            try:
                yield _line({"waiting": True})
                async for event in events:
                    if isinstance(event, ScanResult):
                        kept.result = event
                        yield _line({"result": shown(event)})
                    else:
                        yield _line(asdict(event))
            except Exception as error:
                yield _line(as_json(error))
            finally:
                await events.aclose()

        return StreamingResponse(lines(), media_type="application/x-ndjson", headers={"X-Accel-Buffering": "no"})

    async def forget(self, request: Request) -> Response:
        """Delete the slide and all that was made of it."""
        self._store.forget(request.path_params["key"])
        return Response(status_code=204)

    async def patch(self, request: Request) -> Response:
        """Return the patch around a place, as the model reads it: a PNG of its pixels."""
        kept, query = self._store.get(request.path_params["key"]), request.query_params
        plan, x, y = kept.planned, number(query.get("x", "")), number(query.get("y", ""))
        if x is None or y is None:
            raise UnreadableRequestError("The place must be given as x and y, in pixels of the slide.")
        data = await self._tiles.run(lambda: encoded(patch_at(plan, x, y), "png"))
        return Response(data, media_type="image/png")

    async def pyramid(self, request: Request) -> Response:
        """Return a layer's description in the Deep Zoom format."""
        plan = self._store.get(request.path_params["key"]).planned
        kind = _kind(request.path_params["layer"])
        width, height = plan.slide.size
        text = (
            '<?xml version="1.0" encoding="UTF-8"?><Image xmlns="http://schemas.microsoft.com/deepzoom/2008" '
            f'Format="{kind}" Overlap="0" TileSize="{TILE}"><Size Width="{width}" Height="{height}"/></Image>'
        )
        return Response(text, media_type="application/xml", headers=PRIVATE)

    async def tile(self, request: Request) -> Response:
        """Return a tile of the slide or of a map."""
        wanted = request.path_params
        kept = self._store.get(wanted["key"])
        plan, result = kept.planned, kept.result
        place = wanted["level"], wanted["column"], wanted["row"]
        kind = _kind(wanted["layer"])
        if wanted["layer"] == SLIDE:
            data = await self._tiles.run(lambda: encoded(slide_tile(plan, *place), kind))
        else:
            data = await self._tiles.run(lambda: encoded(map_tile(plan, result, wanted["layer"], *place), kind))
        return Response(data, media_type=f"image/{kind}", headers=PRIVATE)

    async def file(self, request: Request) -> Response:
        """Return a file that the finished scan left."""
        kept, name = self._store.get(request.path_params["key"]), request.path_params["name"]
        if kept.result is None or name not in FILES:
            raise NoSuchFileError(f"The finished scan leaves {', '.join(FILES)}.")
        return FileResponse(kept.results / name, media_type=FILES[name])


def _answered(work: Answer) -> Answer:
    async def endpoint(request: Request) -> Response:
        try:
            return await work(request)
        except Exception as error:
            return refusal(error)

    return endpoint


def _line(said: dict[str, Any]) -> str:
    return json.dumps(said) + "\n"


def _kind(layer: str) -> str:
    return "jpeg" if layer == SLIDE else "png"
