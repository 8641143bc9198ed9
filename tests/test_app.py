"""The running app, called with the real gradio_client and the real MCP client."""

import asyncio
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from PIL import Image, PngImagePlugin

import app
import overread
from overread.service import Service
from tests.support.running_app import ROOT, running_app
from training.recipes.ensembles import ENSEMBLES
from training.recipes.nets import RECIPES
from training.reports.snippets import snippets

ENDPOINTS = {"/histopathology": overread.names("histopathology")[0], "/chest_xray": overread.names("chest-xray")[0]}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("app") / "app.log"


@pytest.fixture(scope="module")
def address(log: Path) -> Iterator[str]:
    with running_app(log) as url:
        yield url


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(png(96))
    return path


@pytest.mark.parametrize(("endpoint", "name"), ENDPOINTS.items())
def test_an_endpoint_answers_as_the_python_api_does(client: Client, image: Path, endpoint: str, name: str) -> None:
    answer, overlay = client.predict(handle_file(image), "screening", api_name=endpoint)
    expected = overread.load(name).predict(image, "screening")
    here = expected.to_json()
    assert {**answer, "milliseconds": None} == {**here, "milliseconds": None}
    np.testing.assert_array_equal(np.asarray(Image.open(overlay)), np.asarray(expected.overlay))


@pytest.mark.parametrize("name", [*RECIPES, *ENSEMBLES])
def test_what_a_model_card_shows_for_gradio_client_runs(address: str, image: Path, name: str) -> None:
    code = snippets({**RECIPES, **ENSEMBLES}[name])["gradio_client"].replace("http://127.0.0.1:7860", address)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=image.parent, capture_output=True, text=True, timeout=120, check=True
    )
    printed = re.fullmatch(r"(\S+) (.+) (\S+)", done.stdout.splitlines()[-1])  # after what the client says of itself
    expected = overread.load(name).predict(image)
    assert printed and float(printed[1]) == pytest.approx(expected.probability, abs=1e-6)
    assert printed[2] == expected.decision and Path(printed[3]).is_file()


def test_the_example_script_prints_the_answer(address: str, image: Path) -> None:
    script = [sys.executable, "examples/client.py", str(image), "/chest_xray", address]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "probability of pneumonia" in done.stdout


def test_optional_arguments_can_be_left_out(client: Client, image: Path) -> None:
    answer, _ = client.predict(handle_file(image), api_name="/histopathology")
    assert answer["operating_point"]["name"] == "balanced"


def test_the_grid_can_be_asked_for(client: Client, image: Path) -> None:
    _, smooth = client.predict(handle_file(image), "", "", True, api_name="/histopathology")
    _, grid = client.predict(handle_file(image), "", "", False, api_name="/histopathology")
    assert np.asarray(Image.open(smooth)).std() != np.asarray(Image.open(grid)).std()


def test_models_lists_what_is_loaded(client: Client) -> None:
    listed = client.predict(api_name="/models")
    assert [model["name"] for model in listed] == overread.names()
    assert all(len(model["sha256"]) == 64 and model["source"] == "bundled" for model in listed)


def test_only_the_named_endpoints_are_public(client: Client) -> None:
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {*ENDPOINTS, "/models"}


def png(size: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (size, size, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


BAD_FILES = {
    "not an image": (b"just text, no picture", "not a picture"),
    "zero bytes": (b"", "empty"),
    "truncated": (png(96)[:-3000], "damaged or cut off"),
    "1x1": (png(1), "1 x 1 px"),
    "50 MB": (bytes(50 * 2**20), "size"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_upload_is_one_sentence_and_the_next_request_works(
    client: Client, tmp_path: Path, image: Path, log: Path, case: str
) -> None:
    data, words = BAD_FILES[case]
    path = tmp_path / "upload.png"
    path.write_bytes(data)
    with pytest.raises(Exception, match=words) as caught:
        client.predict(handle_file(path), api_name="/histopathology")
    assert "Traceback" not in str(caught.value)
    assert client.predict(handle_file(image), api_name="/histopathology")[0]["finding"] == "lymph-node metastasis"
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"), [(("sometimes", ""), "operating point 'sometimes'"), (("", "gpt"), "model 'gpt'")]
)
def test_a_wrong_argument_is_one_sentence(client: Client, image: Path, arguments: tuple[str, str], words: str) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(handle_file(image), *arguments, api_name="/chest_xray")


def test_no_picture_is_one_sentence(client: Client) -> None:
    with pytest.raises(AppError, match="There is no picture"):
        client.predict(None, api_name="/chest_xray")


def test_equal_answers_are_files_of_their_own(client: Client, image: Path) -> None:
    first, second = (Path(client.predict(handle_file(image), api_name="/histopathology")[1]) for _ in range(2))
    assert first.read_bytes() != second.read_bytes()  # else writing the one could cut the other's download short
    np.testing.assert_array_equal(np.asarray(Image.open(first)), np.asarray(Image.open(second)))


def test_what_a_file_says_about_itself_does_not_leave_with_the_answer(client: Client, tmp_path: Path) -> None:
    private = PngImagePlugin.PngInfo()
    private.add_text("PatientName", "Jane Roe")
    Image.new("RGB", (96, 96)).save(tmp_path / "named.png", pnginfo=private)
    _, overlay = client.predict(handle_file(tmp_path / "named.png"), api_name="/histopathology")
    assert b"Jane Roe" not in Path(overlay).read_bytes()


def test_many_requests_at_once_are_all_answered(address: str, image: Path) -> None:
    def call(endpoint: str) -> Any:
        return Client(address, verbose=False).predict(handle_file(image), api_name=endpoint)[0]["finding"]

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(call, [*ENDPOINTS] * 3))
    assert found == ["lymph-node metastasis", "pneumonia"] * 3


def test_the_endpoints_are_mcp_tools(address: str) -> None:
    async def tools() -> dict[str, str]:
        async with (
            streamablehttp_client(f"{address}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return {tool.name: tool.description or "" for tool in (await session.list_tools()).tools}

    found = asyncio.run(tools())
    assert set(found) == {"histopathology", "chest_xray", "list_models"}
    assert "pneumonia" in found["chest_xray"]


def test_the_footer_says_why_the_hub_did_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(threads=1)
    sentence = "pcam-resnet18: the Hub cannot be reached; the bundled model answers."
    monkeypatch.setattr(service.classifier("histopathology"), "note", sentence)
    shown = [block["props"].get("value") for block in app.build(service).config["components"]]
    assert any(isinstance(value, str) and sentence in value for value in shown)
