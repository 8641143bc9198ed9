"""The API endpoint ``/scan_field``: streams how far a scan is, then its summary and its files."""

import tempfile
from collections.abc import AsyncGenerator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import gradio as gr

from overread.prediction import DISCLAIMER
from overread.scan import ScanResult
from overread.scan.headline import headline
from overread.scan.outputs import MAP, REGIONS, SUMMARY, TABLE
from overread.service import Service
from ui.api_reference import SCAN_TASK, scan_arguments
from ui.fields import DOMAIN, Fields, described
from ui.received_images import path_of
from ui.scan_events import scan_events
from ui.turns import BUSY_SLOWLY, MAX_SLOW_WAITING, Lane

FILES = (SUMMARY, TABLE, REGIONS, MAP, "thumbnail.png", "probability.png", "evidence.png")


def add_scan_endpoint(service: Service, fields: Fields) -> None:
    """Add the endpoint to the page, with inputs of its own."""
    lane = Lane(1, MAX_SLOW_WAITING, BUSY_SLOWLY)

    async def scan_field(
        image: dict[str, Any] | None,
        mpp: float = 0,
        operating_point: str = "",
        model: str = "",
        stride: float = 0,
    ) -> AsyncGenerator[tuple[dict[str, Any], list[str] | None], None]:
        path = path_of(image)
        fields.classifier(model).config.operating_point(operating_point or None)  # raises before anything is read
        plan, seconds = await lane.run(lambda: fields.plan(path, model, mpp or None, int(stride) or None))
        with plan:
            plan = replace(plan, name=(image or {}).get("orig_name") or plan.name)
            yield {"plan": described(plan, seconds)}, None
            with tempfile.TemporaryDirectory() as folder:
                events = scan_events(
                    lambda report, stopped: fields.scan(plan, Path(folder), operating_point, report, stopped), lane.run
                )
                async for event in events:
                    if isinstance(event, ScanResult):
                        yield scan_answer(event), [str(Path(folder) / name) for name in FILES]
                    else:
                        yield {"progress": asdict(event)}, None

    arguments = scan_arguments(service)
    with gr.Row(visible=False):
        inputs = [
            gr.File(label="image"),
            gr.Number(0, label="mpp"),
            gr.Dropdown(["", *arguments[2].choices], value="", label="operating_point"),
            gr.Dropdown(["", *service.names(DOMAIN)], value="", label="model"),
            gr.Number(0, label="stride"),
        ]
        outputs = [gr.JSON(label="summary"), gr.File(label="files", file_count="multiple")]
        gr.Button().click(
            scan_field,
            inputs,
            outputs,
            api_name="scan_field",
            api_description=f"{SCAN_TASK} {DISCLAIMER}",
            concurrency_id="scan",
            concurrency_limit=1,
            preprocess=False,
        )


def scan_answer(result: ScanResult) -> dict[str, Any]:
    """Return a scan's summary with one sentence for people, as API and MCP clients get it."""
    return {"headline": headline(result), **result.to_json()}
