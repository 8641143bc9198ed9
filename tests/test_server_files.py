"""No visitor reads a file of the server, or an address of its network: REST, gradio_client and MCP, every endpoint."""

import asyncio
import base64
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from PIL import Image

from tests.support.rest import call
from tests.support.running_app import ROOT
from ui.examples import examples

ENDPOINTS = ("histopathology", "chest_xray")
META = {"_type": "gradio.FileData"}
REFUSAL = "was not uploaded to this app"


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture on the server that no visitor uploaded."""
    path = tmp_path_factory.mktemp("server") / "secret.png"
    Image.open(examples("histopathology")[0].path).save(path)
    return path


def names_of(secret: Path) -> dict[str, str]:
    """Ways to write the path of a file of the server."""
    link = secret.with_name("link.png")
    if not link.exists():
        link.symlink_to(secret)
    relative = Path("../" * 20) / secret.relative_to("/")
    example = next((ROOT / "examples").rglob("*.jpg"))
    return {
        "absolute": str(secret),
        "relative": str(relative),
        "dots": f"/tmp/gradio/../..{secret}",
        "symlink": str(link),
        "file url": f"file://{secret}",
        "encoded": quote(str(secret), safe=""),
        "null byte": f"{secret}\0.png",
        "in the app's own folder": str(example),
        "relative to the app": str(example.relative_to(ROOT)),
        "missing": str(secret.with_name("missing.png")),
        "a folder": str(secret.parent),
    }


PAYLOADS = {
    "path without meta": lambda name: {"path": name},
    "path with meta": lambda name: {"path": name, "meta": META},
    "path as a stream": lambda name: {"path": name, "meta": META, "is_stream": True},
    "url": lambda name: {"url": name},
    "a bare text": lambda name: name,
    "url with an empty path": lambda name: {"path": "", "url": name, "meta": META},
    "file route": lambda name: {"url": f"/gradio_api/file={name}"},
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_path_outside_the_upload_cache_is_refused_in_one_sentence(
    address: str, secret: Path, endpoint: str, payload: str
) -> None:
    for way, name in names_of(secret).items():
        event, answer = call(address, endpoint, [PAYLOADS[payload](name)])
        assert event == "error", (way, answer)
        assert REFUSAL in answer["error"], (way, answer)  # the same words, whether the file exists or not
        assert str(secret.parent) not in json.dumps(answer), (way, answer)


@pytest.mark.parametrize("wrong", [{"path": ["x"]}, {"path": {"path": "/etc/passwd"}}, [{"path": "x"}], 7, True])
def test_a_payload_of_another_shape_is_refused_in_one_sentence(address: str, wrong: object) -> None:
    event, answer = call(address, "chest_xray", [wrong])
    assert event == "error" and REFUSAL in answer["error"]


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:7860/x.png",
        "https://127.0.0.1/x.png",
        "https://localhost/x.png",
        "https://[::1]/x.png",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/x.png",
        "https://192.168.0.1/x.png",
        "https://2130706433/x.png",
        "https://0x7f.1/x.png",
        "HTTPS://user:word@127.0.0.1/x.png",
        "https://127.0.0.1:22/x.png",
    ],
)
def test_a_link_into_the_servers_network_is_refused_in_one_sentence(address: str, link: str) -> None:
    for payload in ({"path": link}, {"path": link, "meta": META}, {"url": link}, link):
        event, answer = call(address, "chest_xray", [payload])
        assert event == "error"
        assert any(words in answer["error"] for words in ("https", "not a public", "user name", "no host")), answer


def test_an_upload_a_data_url_and_base64_are_answered(address: str, secret: Path) -> None:
    uploaded = httpx.post(f"{address}/gradio_api/upload", files={"files": secret.open("rb")}, timeout=60).json()[0]
    text = base64.b64encode(secret.read_bytes()).decode()
    url = f"data:image/png;base64,{text}"
    answers = [
        call(address, "histopathology", [payload])
        for payload in ({"path": uploaded}, {"path": uploaded, "meta": META}, {"url": url}, url, text, {"url": text})
    ]
    assert [event for event, _ in answers] == ["complete"] * len(answers)
    assert len({answer[0]["log_odds"] for _, answer in answers}) == 1


def test_gradio_client_cannot_name_a_file_of_the_server_and_can_upload_it(address: str, secret: Path) -> None:
    client = Client(address, verbose=False)
    for endpoint in ENDPOINTS:
        for name in names_of(secret).values():
            with pytest.raises(AppError, match=REFUSAL):
                client.predict({"path": name}, api_name=f"/{endpoint}")
    answer, _ = client.predict(handle_file(secret), api_name="/histopathology")
    assert answer["finding"] == "lymph-node metastasis"


def test_mcp_cannot_name_a_file_of_the_server(address: str, secret: Path) -> None:
    async def ask(image: str) -> str:
        async with (
            streamablehttp_client(f"{address}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            result = await session.call_tool("chest_xray", {"image": image})
            assert result.isError
            return str(result.content)

    for name in names_of(secret).values():
        said = asyncio.run(ask(name))
        assert REFUSAL in said and str(secret.parent) not in said, said


@pytest.mark.parametrize(
    "route", ["/gradio_api/file=", "/gradio_api/file/", "/file=", "/gradio_api/proxy=", "/static/"]
)
def test_no_route_serves_a_file_or_an_address_of_the_server(address: str, secret: Path, route: str) -> None:
    for name in [*names_of(secret).values(), "http://127.0.0.1:22/", "https://169.254.169.254/latest/meta-data/"]:
        for written in (name.replace("\0", "%00"), quote(name, safe="")):
            answer = httpx.get(f"{address}{route}{written}", timeout=30)
            assert answer.status_code in (400, 403, 404, 405), (route, written, answer.status_code)
            assert answer.content != secret.read_bytes()


@pytest.mark.parametrize("route", ["file", "proxy"])
def test_the_app_is_no_proxy_for_public_addresses(address: str, route: str) -> None:
    request = urllib.request.Request(f"{address}/gradio_api/{route}=https://example.org/x.png")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 403


def test_other_parameters_name_no_file(address: str, secret: Path) -> None:
    uploaded = httpx.post(f"{address}/gradio_api/upload", files={"files": secret.open("rb")}, timeout=60).json()[0]
    for position in (1, 2, 3, 4):
        data: list[object] = [{"path": uploaded, "meta": META}, "", "", True, False]
        data[position] = {"path": "/etc/passwd", "meta": META}
        started = httpx.post(f"{address}/gradio_api/call/chest_xray", json={"data": data}, timeout=60).json()
        answer = httpx.get(f"{address}/gradio_api/call/chest_xray/{started['event_id']}", timeout=60).text
        assert "event: error" in answer and "/etc/passwd" not in answer


def test_a_body_without_a_declared_length_is_cut_off_at_the_limit(address: str) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"data": ["'
        for _ in range(60):
            yield b"A" * 2**20

    answer = httpx.post(f"{address}/gradio_api/call/chest_xray", content=endless(), timeout=60)
    assert answer.status_code == 413 and "32 MB" in answer.text


def test_a_body_over_the_limit_is_refused_before_it_is_read(address: str) -> None:
    answer = httpx.post(f"{address}/gradio_api/call/chest_xray", content=b"A" * (45 * 2**20), timeout=60)
    assert answer.status_code == 413 and "32 MB" in answer.text


@pytest.mark.parametrize("route", ["answer", "cover", "report"])
def test_the_pages_own_routes_take_bytes_and_name_no_file(address: str, secret: Path, route: str) -> None:
    for name in names_of(secret).values():
        query = {"domain": "histopathology", "path": name, "image": name, "model": "", "cells": "80"}
        answer = httpx.post(f"{address}/page/{route}", params=query, content=name.encode(), timeout=60)
        assert answer.status_code == 422 and str(secret.parent) not in answer.text
        assert answer.json()["title"] == "unsupported_image"


def test_the_pages_scripts_are_served_and_nothing_beside_them(address: str) -> None:
    assert "mount" in httpx.get(f"{address}/web/workbench.js", timeout=30).text
    for name in ("../page.py", "..%2Fpage.py", "%2e%2e/page.py", "/etc/passwd"):
        assert httpx.get(f"{address}/web/{name}", timeout=30).status_code == 404
