"""A full queue says so politely: the page's routes, MCP tools and Gradio's endpoints."""

import asyncio
import io
import threading

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.testclient import TestClient

from overread.service import Service
from ui.page_routes import page_routes
from ui.received_images import BusyError
from ui.serving import app_options
from ui.turns import BUSY, Turns


class Slow:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.running = threading.Semaphore(0)

    def __call__(self) -> str:
        self.running.release()
        self.go.wait(30)
        return "done"


def test_more_than_may_wait_are_refused_and_the_others_are_answered() -> None:
    slow = Slow()

    async def ask() -> list[str | BaseException]:
        turns = Turns(concurrent=1, waiting=2)
        asked = [asyncio.create_task(turns.run(slow)) for _ in range(3)]
        await asyncio.to_thread(slow.running.acquire)
        while turns.waiting < 2:
            await asyncio.sleep(0)
        with pytest.raises(BusyError, match="please try again"):
            await turns.run(slow)
        slow.go.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    assert asyncio.run(ask()) == ["done"] * 3


def test_the_page_is_told_with_status_503() -> None:
    class Full(Turns):
        async def run(self, work: object) -> object:  # type: ignore[override]
            raise BusyError(BUSY)

    client = TestClient(Starlette(routes=page_routes(None, Full())))  # type: ignore[arg-type]
    buffer = io.BytesIO()
    Image.new("RGB", (96, 96)).save(buffer, "PNG")
    answer = client.post("/page/answer?domain=chest-xray", content=buffer.getvalue())
    assert answer.status_code == 503 and answer.json() == {"error": BUSY, "title": "busy"}


def test_gradios_full_queue_is_told_in_the_same_words() -> None:
    handler = app_options(Service(threads=1))["exception_handlers"][HTTPException]

    async def full(_: object) -> None:
        raise HTTPException(503, "Queue is full. Max size is 64 and size is 64.")

    async def missing(_: object) -> None:
        raise HTTPException(404, "Not Found")

    app = Starlette(
        routes=[Route("/full", full), Route("/missing", missing)], exception_handlers={HTTPException: handler}
    )
    client: httpx.Client = TestClient(app)
    assert client.get("/full").json() == {"error": BUSY, "title": "busy", "detail": BUSY}
    assert client.get("/missing").status_code == 404
