"""The MCP tools, called with the official SDK's client, with and without a progress token."""

import asyncio
import base64
import io
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from mcp.types import CallToolResult, Tool
from PIL import Image

import overread
from overread.prediction import DISCLAIMER
from tests.support.landscape import landscape
from ui.examples import examples

TOOLS = {"histopathology": "histopathology", "chest_xray": "chest-xray"}
DOCS = Path(__file__).parents[2] / "docs" / "mcp.md"
R = TypeVar("R")


def with_session(address: str, work: Callable[[ClientSession], Awaitable[R]]) -> R:
    async def run() -> R:
        async with (
            streamablehttp_client(f"{address}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await work(session)

    return asyncio.run(run())


async def ignore(progress: float, total: float | None, message: str | None) -> None:
    pass


def call(address: str, tool: str, arguments: dict[str, Any], token: bool = False) -> CallToolResult:
    """Return a tool's result; with ``token``, the client asks for progress as some desktop clients do."""
    options: dict[str, Any] = {"progress_callback": ignore} if token else {}
    return with_session(address, lambda session: session.call_tool(tool, arguments, **options))


def base64_of(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


@pytest.mark.parametrize("token", [False, True], ids=["no token", "token"])
@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_answers_with_json_and_a_small_image(address: str, tool: str, token: bool) -> None:
    path = examples(TOOLS[tool])[0].path
    result = call(address, tool, {"image": base64_of(path)}, token)
    text, image = result.content
    assert not result.isError and text.type == "text" and image.type == "image"
    answer = json.loads(text.text)
    expected = overread.load(overread.names(TOOLS[tool])[0]).predict(path)
    assert answer["probability"] == pytest.approx(expected.probability, abs=1e-6)
    assert answer["disclaimer"] == DISCLAIMER and "values" not in answer["heatmap"]
    assert "/tmp" not in text.text
    overlay = Image.open(io.BytesIO(base64.b64decode(image.data)))
    assert overlay.format == "JPEG" and max(overlay.size) <= 512 and image.mimeType == "image/jpeg"
    assert len(image.data) < 150_000
    drawn = expected.overlay.resize(overlay.size)
    assert np.abs(np.asarray(drawn, float) - np.asarray(overlay, float)).mean() < 8  # JPEG's loss


def test_the_image_of_a_noisy_picture_is_small_too(address: str, tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (1024, 1024, 3), np.uint8)).save(path)
    result = call(address, "chest_xray", {"image": base64_of(path), "answer_anyway": True})
    assert len(result.content[1].data) < 150_000


def test_an_image_of_another_kind_is_refused_by_name(address: str, tmp_path: Path) -> None:
    landscape().save(tmp_path / "landscape.png")
    sent = base64_of(tmp_path / "landscape.png")
    refused = call(address, "chest_xray", {"image": sent})
    answer = json.loads(refused.content[0].text)
    assert refused.isError and answer["code"] == "refused_image" and "colour photograph" in answer["error"]
    anyway = json.loads(call(address, "chest_xray", {"image": sent, "answer_anyway": True}).content[0].text)
    assert "Answered anyway" in anyway["notes"][0]


def test_every_way_to_send_an_image_and_the_grid(address: str) -> None:
    path = examples("histopathology")[0].path
    sent = base64_of(path)
    for image in (sent, f"data:image/jpeg;base64,{sent}"):
        arguments = {
            "image": image,
            "model": "pcam-resnet18",
            "operating_point": "rule-in",
            "include_heatmap_grid": True,
        }
        answer = json.loads(call(address, "histopathology", arguments).content[0].text)
        assert (answer["model"]["name"], answer["operating_point"]["name"]) == ("pcam-resnet18", "rule-in")
        heatmap = answer["heatmap"]
        assert np.sum(heatmap["values"]) + heatmap["bias"] == pytest.approx(answer["log_odds"], abs=1e-3)


BAD_CALLS = {
    "a local path": ({"image": "/etc/passwd"}, "was not uploaded to this app", "unsupported_image"),
    "a private address": ({"image": "https://127.0.0.1/film.png"}, "not a public one", "not_allowed"),
    "an unreachable host": ({"image": "https://nowhere.invalid/film.png"}, "no host", "source"),
    "no image": ({}, "'image' is missing", "unreadable_request"),
    "no picture": ({"image": base64.b64encode(b"just a text, " * 9).decode()}, "not a picture", "unsupported_image"),
    "an unknown model": ({"image": "", "model": "gpt"}, "no chest-xray model 'gpt'", "unknown_model"),
    "an unknown argument": ({"image": "", "zoom": 2}, "no argument 'zoom'", "unreadable_request"),
    "a wrong type": ({"image": "", "smooth": "yes"}, "'smooth' must be a boolean", "unreadable_request"),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_a_bad_call_is_an_error_with_one_sentence_and_a_code(address: str, case: str) -> None:
    arguments, words, code = BAD_CALLS[case]
    result = call(address, "chest_xray", arguments)
    answer = json.loads(result.content[0].text)
    assert result.isError and words in answer["error"] and answer["code"] == code


def test_an_unknown_tool_is_an_error(address: str) -> None:
    result = call(address, "mammography", {})
    assert result.isError and json.loads(result.content[0].text)["code"] == "unknown_endpoint"


def test_the_models_are_listed(address: str) -> None:
    listed = json.loads(call(address, "list_models", {}).content[0].text)
    assert [model["name"] for model in listed] == overread.names()


def test_schemas_have_enums_defaults_and_the_disclaimer(address: str) -> None:
    async def listed(session: ClientSession) -> list[Tool]:
        return (await session.list_tools()).tools

    tools = {tool.name: tool for tool in with_session(address, listed)}
    assert set(tools) == {*TOOLS, "scan_field", "list_models"}
    for name, domain in TOOLS.items():
        properties = tools[name].inputSchema["properties"]
        assert properties["model"]["enum"] == overread.names(domain)
        assert properties["model"]["default"] == overread.names(domain)[0]
        assert properties["operating_point"]["enum"] == ["screening", "balanced", "rule-in"]
        assert properties["operating_point"]["default"] == "balanced"
        assert properties["include_heatmap_grid"]["default"] is False
        assert tools[name].inputSchema["required"] == ["image"]
        assert DISCLAIMER in (tools[name].description or "")


def test_a_browser_gets_a_hint_and_hugging_face_the_schema(address: str) -> None:
    assert "MCP clients" in httpx.get(f"{address}/gradio_api/mcp/", timeout=30).text
    schema = httpx.get(f"{address}/gradio_api/mcp/schema", timeout=30).json()
    assert {tool["name"] for tool in schema} == {*TOOLS, "scan_field", "list_models"}


def test_the_python_of_the_docs_runs(address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
    film = tmp_path / "film.jpeg"
    film.write_bytes(examples("chest-xray")[0].path.read_bytes())
    exec(code[0].replace("http://127.0.0.1:7860", address).replace("film.jpeg", str(film)), {})
    probability, kind = capsys.readouterr().out.split()
    assert 0 <= float(probability) <= 1 and kind == "image/jpeg"


def test_the_configurations_of_the_docs_are_json() -> None:
    found = re.findall(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
    assert len(found) == 3
    assert all("/gradio_api/mcp/" in json.dumps(json.loads(text)) for text in found)
