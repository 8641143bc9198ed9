"""Python, the shell, AWS Lambda's handler, the app's API and its MCP tools refuse an image in the same words."""

import asyncio
import base64
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

import app
import overread
from overread.catalogue import Domain
from overread.cli import main
from overread.service import Service
from tests.support.landscape import landscape_png
from ui.mcp_tools import McpTools
from ui.turns import Turns

FILM = Path(__file__).parents[1] / "examples" / "chest-xray" / "person1_virus_6.jpeg"
HOW = "No answer was given: answer_anyway gets one, with this warning."
CASES: list[tuple[Domain, str, bytes, str]] = [
    (
        "chest-xray",
        "chest_xray",
        landscape_png(),
        "This looks like a colour photograph, not a frontal chest film.",
    ),
    (
        "histopathology",
        "histopathology",
        FILM.read_bytes(),
        "This looks like a chest film, not a stained section of a lymph node at 10x.",
    ),
]


@pytest.fixture(scope="module")
def service() -> Service:
    return Service(threads=1, lazy=True)


@pytest.fixture(scope="module")
def page(service: Service) -> gr.Blocks:
    """The app."""
    return app.build(service)


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any], None], dict[str, Any]]:
    """The Lambda function, on one thread."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
    return importlib.import_module("overread_lambda.handler").handler


@pytest.mark.parametrize(("domain", "api_name", "data", "reason"), CASES, ids=[case[0] for case in CASES])
def test_every_caller_gets_the_same_reason(
    domain: Domain,
    api_name: str,
    data: bytes,
    reason: str,
    service: Service,
    page: gr.Blocks,
    handler: Callable[[dict[str, Any], None], dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = base64.b64encode(data).decode()
    with pytest.raises(overread.RefusedImageError) as refused:
        service.classifier(domain).predict(data)
    assert str(refused.value) == f"{reason} {HOW}"

    file = tmp_path / "image"
    file.write_bytes(data)
    assert main(["predict", str(file), "--model", domain]) == 3
    assert capsys.readouterr().err == f"{file}: {reason} {HOW}\n"

    error = handler({"image": text, "model": domain}, None)["error"]
    assert (error["status"], error["type"], error["message"]) == (422, "RefusedImageError", f"{reason} {HOW}")

    function = next(function for function in page.fns.values() if function.api_name == api_name)
    with pytest.raises(gr.Error) as explained:
        asyncio.run(page.process_api(function, [text]))
    assert (explained.value.message, explained.value.title) == (f"{reason} {HOW}", "refused_image")

    sent = asyncio.run(McpTools(service, Turns()).call(api_name, {"image": text}))
    said = json.loads(sent.content[0].text)
    assert sent.isError and (said["error"], said["code"]) == (f"{reason} {HOW}", "refused_image")


@pytest.mark.parametrize(("domain", "api_name", "data", "reason"), CASES, ids=[case[0] for case in CASES])
def test_every_caller_gets_the_same_warning_with_the_answer(
    domain: Domain,
    api_name: str,
    data: bytes,
    reason: str,
    service: Service,
    page: gr.Blocks,
    handler: Callable[[dict[str, Any], None], dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = base64.b64encode(data).decode()
    file = tmp_path / "image"
    file.write_bytes(data)
    python = service.classifier(domain).predict(data, answer_anyway=True).to_json()
    assert python["notes"][0] == f"{reason} Answered anyway, as requested: the answer may mean nothing."

    assert main(["predict", str(file), "--model", domain, "--answer-anyway", "--json"]) == 0
    shell = json.loads(capsys.readouterr().out)
    from_lambda = handler({"image": text, "model": domain, "answer_anyway": True}, None)
    function = next(function for function in page.fns.values() if function.api_name == api_name)
    from_app = asyncio.run(function.fn({"path": str(file)}, "", "", True, True))[0]
    arguments = {"image": text, "answer_anyway": True, "include_heatmap_grid": True}
    mcp = json.loads(asyncio.run(McpTools(service, Turns()).call(api_name, arguments)).content[0].text)
    for answer in (python, shell, from_lambda, from_app, mcp):
        assert answer["guard"]["outcome"] == "refused"
        for field in ("guard", "reading", "notes", "decision", "lungs"):
            assert answer[field] == python[field]
