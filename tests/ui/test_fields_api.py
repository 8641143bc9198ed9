"""``/scan_field`` and the MCP tool of that name, called by their users' clients on the running app."""

import asyncio
import base64
import io
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from PIL import Image

from ui.examples import examples

MODEL = "pcam-resnet18"


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mosaic of 6 x 4 of the example patches, without a scale."""
    patches = [Image.open(one.path).convert("RGB") for one in examples("histopathology")]
    mosaic = Image.new("RGB", (6 * 96, 4 * 96))
    for index in range(24):
        mosaic.paste(patches[(index * 5 + index // 6) % len(patches)], (index % 6 * 96, index // 6 * 96))
    path = tmp_path_factory.mktemp("field") / "field.png"
    mosaic.save(path)
    return path


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


def test_a_scan_streams_its_plan_its_progress_and_its_summary_with_files(client: Client, field: Path) -> None:
    job = client.submit(handle_file(field), 0.972, "screening", MODEL, 96, api_name="/scan_field")
    first, *between, (summary, files) = list(job)
    assert first[0]["plan"]["patches"] >= 20 and "given by the caller" in first[0]["plan"]["sentence"]
    assert between[-1][0]["progress"]["done"] == first[0]["plan"]["patches"]
    assert summary["operating_point"]["name"] == "screening" and summary["slide"] == "field.png"
    assert "screening threshold" in summary["headline"] and len(summary["suspicious"]) == 10
    names = {Path(file).name for file in files}
    assert {"scan.json", "patches.csv", "regions.geojson", "map.ome.tif", "probability.png"} <= names
    rows = next(Path(file) for file in files if file.endswith("patches.csv")).read_text().splitlines()
    assert len(rows) == 1 + summary["patches"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "unknown_scale"),
        ({"mpp": 9}, "unknown_scale"),
        ({"mpp": 0.1}, "image_too_small"),
        ({"mpp": 1, "stride": 2}, "too_much_work"),
        ({"mpp": 1, "operating_point": "whatever"}, "unknown_operating_point"),
    ],
)
def test_what_cannot_be_scanned_is_one_sentence_with_a_code(
    client: Client, field: Path, arguments: dict[str, Any], code: str
) -> None:
    with pytest.raises(Exception, match=r"\.$") as refused:
        client.predict(image=handle_file(field), model=MODEL, api_name="/scan_field", **arguments)
    assert refused.value.title == code


def test_a_larger_field_gets_no_answer_as_a_patch_unless_it_is_to_be_squashed(client: Client, field: Path) -> None:
    with pytest.raises(Exception, match="576 x 384 px are no patch") as refused:
        client.predict(handle_file(field), api_name="/histopathology")
    assert refused.value.title == "unknown_scale"
    with pytest.raises(Exception, match="one patch 93: scan it") as refused:
        client.predict(image=handle_file(field), mpp=0.5, api_name="/histopathology")
    assert refused.value.title == "larger_than_patch"
    answer, _ = client.predict(image=handle_file(field), squash=True, api_name="/histopathology")
    assert any("squashed to 96 x 96 px, as asked" in note for note in answer["notes"])


def test_a_patch_is_answered_while_a_scan_runs(client: Client, field: Path) -> None:
    scan = client.submit(handle_file(field), 2.0, "", MODEL, 32, api_name="/scan_field")
    while not any("progress" in one[0] for one in scan.outputs()):
        assert not scan.done()
        time.sleep(0.05)
    client.predict(handle_file(examples("histopathology")[0].path), model=MODEL, api_name="/histopathology")
    assert not scan.done()
    scan.cancel()


def test_the_mcp_tool_returns_summary_and_drawing_and_notifies_progress(address: str, field: Path) -> None:
    seen: list[float] = []

    async def notified(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async def call() -> tuple[Any, Any]:
        async with (
            streamablehttp_client(f"{address}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            image = base64.b64encode(field.read_bytes()).decode()
            arguments = {"image": image, "model": MODEL, "stride": 96}
            unknown = await session.call_tool("scan_field", arguments)
            found = await session.call_tool("scan_field", {**arguments, "mpp": 0.972}, progress_callback=notified)
            return unknown, found

    unknown, found = asyncio.run(call())
    assert unknown.isError and json.loads(unknown.content[0].text)["code"] == "unknown_scale"
    text, drawn = found.content
    assert json.loads(text.text)["scale_source"] == "given by the caller" and seen == sorted(seen) and seen
    assert max(Image.open(io.BytesIO(base64.b64decode(drawn.data))).size) <= 512


def test_llms_txt_describes_scans(address: str) -> None:
    said = httpx.get(f"{address}/llms.txt").text
    for text in ("### /scan_field", "`mpp`", "`squash`", "`stride`", "too_much_work", "larger_than_patch"):
        assert text in said
