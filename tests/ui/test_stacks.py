"""A stack's pictures one by one: short answers, errors as rows, and a lane that holds up nobody."""

import base64
import io
import threading

import anyio
import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from overread.classifier import Classifier
from overread.errors import UnknownModelError
from overread.stack.outcome import CSV_COLUMNS
from tests.support.dicom_file import dicom
from ui import stacks
from ui.stacks import stack_routes, table_row
from ui.turns import Turns


def png(colour: str, side: int = 96) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, "PNG")
    return buffer.getvalue()


class OneModel:
    """A service with one model."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier

    def find(self, name: str) -> Classifier:
        if name != "tiny":
            raise UnknownModelError(f"There is no model {name!r}.")
        return self.classifier


def test_a_row_holds_the_shells_columns_and_what_the_table_shows(tiny: Classifier) -> None:
    found, expected = table_row(tiny, png("red")), tiny.predict(png("red"))
    assert list(found["row"]) == list(CSV_COLUMNS)
    assert found["row"]["probability"] == found["document"]["probability"] == expected.probability
    assert (found["kind"], found["tone"], found["percent"]) == ("answered", "positive", "over 99 %")
    assert "values" not in found["document"]["heatmap"]
    shown = Image.open(io.BytesIO(base64.b64decode(found["thumbnail"].partition(",")[2])))
    assert shown.size == (96, 96) and shown.getpixel((50, 50))[0] > 240


def test_a_file_that_is_no_picture_is_a_row_with_one_sentence(tiny: Classifier) -> None:
    found = table_row(tiny, b"see the report")
    assert (found["kind"], found["tone"], found["thumbnail"]) == ("unreadable", "", "")
    assert found["warnings"] == [found["row"]["error"]] == [found["document"]["error"]]
    assert found["row"]["model_sha256"] == tiny.identity.sha256


def test_what_no_browser_shows_has_a_thumbnail(tiny: Classifier) -> None:
    found = table_row(tiny, dicom(np.full((300, 200), 2000, np.uint16)))
    assert found["thumbnail"].startswith("data:image/jpeg;base64,")
    size = Image.open(io.BytesIO(base64.b64decode(found["thumbnail"].partition(",")[2]))).size
    assert size == (64, 96)


def test_the_route_answers_bad_files_too_and_refuses_only_what_it_cannot_understand(tiny: Classifier) -> None:
    client = TestClient(Starlette(routes=stack_routes(OneModel(tiny))))
    assert client.post("/page/row?model=tiny", content=png("blue")).json()["tone"] == "negative"
    bad = client.post("/page/row?model=tiny", content=b"no picture")
    assert (bad.status_code, bad.json()["kind"]) == (200, "unreadable")
    assert client.post("/page/row?model=tiny&mpp=ten", content=png("blue")).status_code == 422
    unknown = client.post("/page/row?model=knee", content=png("blue"))
    assert (unknown.status_code, unknown.json()["error"]) == (422, "There is no model 'knee'.")


def test_a_stack_that_is_being_read_holds_up_no_single_picture(
    tiny: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, running = threading.Event(), threading.Semaphore(0)

    def slowly(*_: object) -> dict[str, object]:
        running.release()
        go.wait(30)
        return {}

    monkeypatch.setattr(stacks, "table_row", slowly)
    app = Starlette(routes=stack_routes(OneModel(tiny)))

    async def ask() -> str:
        transport = httpx.ASGITransport(app=app)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://app") as client,
            anyio.create_task_group() as group,
        ):
            for _ in range(5):
                group.start_soon(lambda: client.post("/page/row?model=tiny", content=b"x"))
            await anyio.to_thread.run_sync(running.acquire)
            with anyio.fail_after(5):
                answered = await Turns(concurrent=1).run(lambda: "a single picture")
            assert not running.acquire(blocking=False)  # one of a stack at a time
            go.set()
        return answered

    assert anyio.run(ask) == "a single picture"
