"""Gradio's REST API, called without its client."""

import json
from typing import Any

import httpx


def call(address: str, endpoint: str, data: list[Any]) -> tuple[str, Any]:
    """Return the last event of a call, "complete" or "error", and its data."""
    started = httpx.post(f"{address}/gradio_api/call/{endpoint}", json={"data": data}, timeout=60)
    started.raise_for_status()
    events = httpx.get(f"{address}/gradio_api/call/{endpoint}/{started.json()['event_id']}", timeout=60).text.strip()
    name, data_line = events.split("\n\n")[-1].split("\n")
    return name.removeprefix("event: "), json.loads(data_line.removeprefix("data: "))
