"""The page's routes for slides, called over HTTP in one process with a model that takes milliseconds."""

import asyncio
import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from overread.scan import Progress, ScanCancelledError
from overread.scan.exact import ExactEngine
from tests.support.patch_model import OneModel
from ui import page_slides
from ui.fields import Fields
from ui.page_slides import FILES, SlideRoutes
from ui.scan_events import scan_events
from ui.slide_store import SlideStore
from ui.turns import Turns


@pytest.fixture(scope="module")
def store() -> SlideStore:
    return SlideStore()


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Fields:
    return Fields(OneModel(tmp_path_factory.mktemp("weights")))


@pytest.fixture(scope="module")
def client(store: SlideStore, fields: Fields) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=SlideRoutes(fields, store, Turns()).routes())) as one:
        yield one


def picture(width: int, height: int, um_per_px: float | None = None, kind: str = "PNG") -> bytes:
    down, across = np.mgrid[:height, :width]
    red = 150 + 90 * np.sin(across / 70) * np.cos(down / 90)
    pixels = np.stack([red, np.full_like(red, 20), 255 - red], -1).astype(np.uint8)
    buffer = io.BytesIO()
    dpi = {"dpi": (25_400 / um_per_px,) * 2} if um_per_px else {}
    Image.fromarray(pixels).save(buffer, kind, **dpi)
    return buffer.getvalue()


def sent(client: TestClient, data: bytes, name: str = "field.png", **query: Any) -> dict[str, Any]:
    response = client.post("/page/slide", params={"name": name, **query}, content=data)
    assert response.status_code == 200, response.text
    return response.json()


def events(client: TestClient, key: str, **query: str) -> list[dict[str, Any]]:
    response = client.post(f"/page/slide/{key}/scan", params=query)
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


def test_a_field_of_known_scale_is_planned_scanned_shown_and_forgotten(client: TestClient, store: SlideStore) -> None:
    said = sent(client, picture(700, 500, 0.5, "TIFF"), "lymph node.tif")
    assert said["kind"] == "plan" and "TIFF resolution tags" in said["scale_source"] and said["patches"] > 50
    at = f"/page/slide/{said['key']}"
    for name in FILES:
        assert client.get(f"{at}/files/{name}").status_code == 422  # before the scan
    *progress, last = events(client, said["key"], point="screening")
    assert progress[0] == {"waiting": True}
    assert progress[-1]["done"] == progress[-1]["total"] == said["patches"] and progress[-1]["remaining"] == 0
    found = last["result"]
    assert found["summary"]["slide"] == "lymph node.tif" and found["summary"]["above"]["operating_point"] == "screening"
    assert found["headline"].endswith("most lenient threshold") and len(found["suspicious"]) <= 10
    assert found["suspicious"][0]["picture"].startswith("data:image/")
    for name, kind in FILES.items():
        response = client.get(f"{at}/files/{name}")
        assert response.status_code == 200 and response.headers["content-type"].startswith(kind) and response.content
    assert client.get(f"{at}/slide.dzi").text.count('Width="700"') == 1
    for layer, kind in (("slide", "jpeg"), ("probability", "png"), ("evidence", "png"), ("outline", "png")):
        tile = client.get(f"{at}/{layer}_files/9/0_0.{kind}")
        assert tile.status_code == 200 and Image.open(io.BytesIO(tile.content)).size == (256, 250)
    folder = store.get(said["key"]).folder
    assert client.post(f"{at}/forget").status_code == 204
    assert not folder.exists() and client.get(f"{at}/slide.dzi").json()["title"] == "slide_gone"


def test_the_patch_of_a_suspicious_place_is_the_one_that_was_scanned(client: TestClient, fields: Fields) -> None:
    said = sent(client, picture(500, 400, 0.6))
    first = events(client, said["key"])[-1]["result"]["suspicious"][0]
    left, top, right, bottom = first["box"]
    response = client.get(f"/page/slide/{said['key']}/patch", params={"x": (left + right) / 2, "y": (top + bottom) / 2})
    patch = Image.open(io.BytesIO(response.content))
    assert patch.size == (96, 96) and patch.format == "PNG"
    assert fields.classifier("").predict(patch).probability == pytest.approx(first["probability"], abs=1e-6)
    corner = client.get(f"/page/slide/{said['key']}/patch", params={"x": 0, "y": 399})
    assert Image.open(io.BytesIO(corner.content)).size == (96, 96)
    for query in ({}, {"x": "nan", "y": "1"}, {"x": "left", "y": "1"}):
        assert client.get(f"/page/slide/{said['key']}/patch", params=query).json()["title"] == "unreadable_request"


def test_an_unknown_scale_is_asked_for_before_anything_runs(client: TestClient) -> None:
    said = sent(client, picture(700, 500))
    assert said["kind"] == "unknown scale" and said["size"] == [700, 500] and said["preview"].startswith("data:image/")
    at = f"/page/slide/{said['key']}"
    assert client.post(f"{at}/scan").json()["title"] == "slide_gone"  # nothing runs before the scale is given
    refused = client.post(f"{at}/plan", params={"mpp": "99"})
    assert refused.status_code == 422 and refused.json()["title"] == "unknown_scale"
    plan = client.post(f"{at}/plan", params={"mpp": "0.5"}).json()
    assert plan["kind"] == "plan" and plan["scale_source"] == "given by the caller"
    again = client.post(f"{at}/plan", params={"mpp": "0.25"}).json()
    assert again["patches"] < plan["patches"]


def ome_tiff() -> bytes:
    """Return a patch of 192 px whose scale stands in its OME-XML only."""
    buffer = io.BytesIO()
    physical = {"PhysicalSizeX": 0.486, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.486, "PhysicalSizeYUnit": "µm"}
    pixels = np.asarray(Image.open(io.BytesIO(picture(192, 192))))
    tifffile.imwrite(buffer, pixels, ome=True, photometric="rgb", metadata={"axes": "YXS", **physical})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "mpp"),
    [(picture(96, 96), None), (picture(110, 99), None), (picture(192, 192, 0.486), None), (ome_tiff(), 0.486)],
)
def test_a_patch_is_left_to_the_answer_of_pictures_and_not_kept(
    client: TestClient, data: bytes, mpp: float | None
) -> None:
    said = sent(client, data)
    assert (said["kind"], said["mpp"]) == ("patch", mpp)
    assert client.get(f"/page/slide/{said['key']}/slide.dzi").json()["title"] == "slide_gone"


def test_a_field_that_is_one_patch_at_the_given_scale_is_one(client: TestClient) -> None:
    said = sent(client, picture(192, 192))
    assert client.post(f"/page/slide/{said['key']}/plan", params={"mpp": "0.486"}).json()["kind"] == "patch"


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "a.svs", "empty_image"),
        (b"no slide at all" * 100, "a.svs", "unsupported_image"),
        (picture(700, 500, 0.5, "TIFF")[:5000], "a.tif", "corrupt_image"),
        (picture(1, 100_000, 0.5, "TIFF"), "thin.tif", "image_too_small"),
        (picture(96, 96, 0.25), "small.png", "image_too_small"),
    ],
)
def test_what_cannot_be_scanned_is_one_sentence_and_not_kept(
    client: TestClient, store: SlideStore, data: bytes, name: str, code: str
) -> None:
    kept = len(list(Path(store._root.name).iterdir()))
    response = client.post("/page/slide", params={"name": name}, content=data)
    assert response.status_code == 422 and response.json()["title"] == code
    assert response.json()["error"].count(". ") == 0 and len(list(Path(store._root.name).iterdir())) == kept


def test_a_slide_that_is_too_large_is_refused_while_it_comes(
    client: TestClient, store: SlideStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_slides, "MAX_SLIDE_BYTES", 1000)
    response = client.post("/page/slide", content=picture(300, 300, 0.5))
    assert response.json()["title"] == "image_too_large"


@pytest.mark.parametrize("path", ["slide.dzi", "slide_files/0/0_0.jpeg", "files/scan.json", "patch?x=1&y=1"])
def test_another_visitors_slide_cannot_be_guessed(client: TestClient, path: str) -> None:
    assert client.get(f"/page/slide/{'A' * 32}/{path}").json()["title"] == "slide_gone"


@pytest.mark.parametrize("name", ["slide.png", "field.png", "../field.png", "..%2ffield.png"])
def test_no_other_file_is_served(client: TestClient, name: str) -> None:
    said = sent(client, picture(300, 300, 0.6))
    events(client, said["key"])
    assert client.get(f"/page/slide/{said['key']}/files/{name}").status_code in (404, 422)


def test_a_scan_that_fails_ends_its_stream_with_the_sentence(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = sent(client, picture(400, 300, 0.6))

    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(ExactEngine, "answer", broken)
    last = events(client, said["key"])[-1]
    assert last == {"error": "Something went wrong on our side: please try again.", "title": "internal"}


def test_whoever_stops_listening_stops_the_scan() -> None:
    stopped = threading.Event()

    async def leave_early() -> None:
        def work(report: Any, is_stopped: Any) -> Any:
            report(Progress(1, 10, 0.1, 0.9))
            while not is_stopped():
                time.sleep(0.01)
            stopped.set()
            raise ScanCancelledError

        events = scan_events(work, Turns().slow)
        assert (await anext(events)).done == 1
        await events.aclose()
        await asyncio.to_thread(stopped.wait, 5)

    asyncio.run(leave_early())
    assert stopped.is_set()
