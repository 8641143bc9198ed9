"""What API clients upload is deleted after an hour; here the age is zero seconds and Gradio's own clean-up runs."""

import asyncio
import base64
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from gradio.route_utils import delete_files_created_by_app
from gradio.routes import App

from overread.service import Service
from ui.examples import examples
from ui.page import CLEAN_UP, build


def files_in(folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if file.is_file()}


def test_uploads_base64_images_and_overlays_are_deleted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    page = build(Service(threads=1, lazy=True))
    assert page.delete_cache == CLEAN_UP == (600, 3600)
    example = examples("chest-xray")[0].path
    page.max_file_size = None  # as launch() sets it
    client = TestClient(App.create_app(page))
    path = client.post("/gradio_api/upload", files={"files": example.open("rb")}).json()[0]
    text = base64.b64encode(examples("chest-xray")[1].path.read_bytes()).decode()
    function = next(function for function in page.fns.values() if function.api_name == "chest_xray")
    for image in ({"path": path}, text):
        asyncio.run(page.process_api(function, [image, "", "", True, False]))
    assert len(files_in(tmp_path)) >= 4  # two images and two overlays
    delete_files_created_by_app(page, age=0)
    assert files_in(tmp_path) == set()
