"""A full queue says so politely: the page's routes, MCP tools and Gradio's endpoints."""

import asyncio
import base64
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
from ui import received_images
from ui.page_routes import page_routes
from ui.received_images import BusyError, image_bytes, out_of_the_way
from ui.serving import app_options
from ui.turns import BUSY, Lane, Turns


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
        turns = Lane(concurrent=1, waiting=2, busy=BUSY)
        asked = [asyncio.create_task(turns.run(slow)) for _ in range(3)]
        await asyncio.to_thread(slow.running.acquire)
        while turns.waiting < 2:
            await asyncio.sleep(0)
        with pytest.raises(BusyError, match="please try again"):
            await turns.run(slow)
        slow.go.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    assert asyncio.run(ask()) == ["done"] * 3


def test_a_slow_job_does_not_hold_up_a_quick_one() -> None:
    slow, turns = Slow(), Turns(concurrent=1)

    async def ask() -> tuple[str, str]:
        jobs = [asyncio.create_task(turns.slow(slow)) for _ in range(3)]
        await asyncio.to_thread(slow.running.acquire)
        quick = await asyncio.wait_for(turns.run(lambda: "quick"), 5)
        slow.go.set()
        return quick, (await asyncio.gather(*jobs))[0]

    assert asyncio.run(ask()) == ("quick", "done")


def test_slow_links_do_not_hold_up_an_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    go, link = threading.Event(), "https://example.org/slow.png"
    monkeypatch.setattr(received_images, "fetch", lambda url, redirects: str(go.wait(30)).encode())

    async def ask() -> bytes:
        links = [asyncio.create_task(out_of_the_way(lambda: image_bytes(link), link)) for _ in range(100)]
        text = base64.b64encode(bytes(64)).decode()
        quick = await asyncio.wait_for(out_of_the_way(lambda: image_bytes(text), text), 5)
        go.set()
        await asyncio.gather(*links)
        return quick

    assert asyncio.run(ask()) == bytes(64)


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
    handler = app_options(Service(threads=1, lazy=True))["exception_handlers"][HTTPException]

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
