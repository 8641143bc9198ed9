"""The MCP tool ``scan_field``: a field of view or a slide in, its summary and the slide with its map out."""

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread
from PIL import Image

from overread.prediction import DISCLAIMER
from overread.scan import Progress, ScanResult
from overread.scan.drawing import probability_overlay
from overread.service import Service
from ui.api_reference import LIMITS, SCAN_TASK, SCANNED, Argument, scan_arguments
from ui.fields import Fields
from ui.received_images import image_bytes, out_of_the_way
from ui.scan_endpoint import scan_answer
from ui.scan_events import scan_events
from ui.turns import Turns

NAME = "scan_field"
DESCRIPTION = (
    f"{SCAN_TASK} {DISCLAIMER} Returns JSON (headline, scale and its source, tissue_mm2, share and area_mm2 at each "
    "operating point, area_interval_mm2, the ten most suspicious patches, guard, notes, model) and the slide with its "
    "probability map as a JPEG. Progress is notified to clients that ask for it."
)
Notify = Callable[[Progress], Awaitable[None]]


class ScanTool:
    """Plans and scans what MCP clients send."""

    def __init__(self, service: Service, turns: Turns) -> None:
        """Share the slow lane with the page."""
        self._fields, self._turns = Fields(service), turns
        image, *others = scan_arguments(service)
        described = f"{SCANNED} As a data URL, base64 text or an https link. {LIMITS}"
        self.arguments = [Argument("image", "string", described, image.example), *others]

    async def call(self, values: Mapping[str, Any], notify: Notify) -> tuple[dict[str, Any], Image.Image]:
        """Return the summary and the drawing.

        Args:
            values: by argument's name, checked.
            notify: is told how far the scan is.

        Raises:
            OverreadError: if the image, its scale, the amount of work or the model is at fault.
        """
        model, point = values["model"], values["operating_point"]
        self._fields.classifier(model).config.operating_point(point or None)  # raises before a link is read
        data = await out_of_the_way(lambda: image_bytes(values["image"]), values["image"])
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "image"
            file.write_bytes(data)
            mpp, stride = values["mpp"] or None, int(values["stride"]) or None
            plan, _ = await anyio.to_thread.run_sync(lambda: self._fields.plan(file, model, mpp, stride))
            events = scan_events(
                lambda report, stopped: self._fields.scan(plan, Path(folder) / "results", point, report, stopped),
                self._turns.slow,
            )
            with plan:
                async for event in events:
                    if isinstance(event, ScanResult):
                        return scan_answer(event), probability_overlay(event)
                    await notify(event)
        raise AssertionError("a scan ends with a result or an error")
