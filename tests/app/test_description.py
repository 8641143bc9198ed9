"""What the running app says about itself: its endpoints, models, limits and examples."""

import json
import re
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

import overread
from overread.prediction import DISCLAIMER
from overread.service import Service
from ui.examples import examples
from ui.page import build

ENDPOINTS = {"/histopathology": overread.names("histopathology")[0], "/chest_xray": overread.names("chest-xray")[0]}


def test_models_lists_what_is_loaded(client: Client) -> None:
    listed = client.predict(api_name="/models")
    assert [model["name"] for model in listed] == overread.names()
    assert all(len(model["sha256"]) == 64 and model["source"] == "bundled" for model in listed)


def test_only_the_named_endpoints_are_public(client: Client) -> None:
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {*ENDPOINTS, "/scan_field", "/models"}


def test_the_api_page_describes_every_argument_and_shows_our_examples(client: Client) -> None:
    info = client.view_api(return_format="dict")["named_endpoints"]
    for endpoint in ENDPOINTS:
        image, point, model, smooth, anyway, *of_patches = info[endpoint]["parameters"]
        assert [one["parameter_name"] for one in of_patches] == (["mpp", "squash"] if "hist" in endpoint else [])
        assert "px" in image["python_type"]["description"] and "32 MB" in image["python_type"]["description"]
        assert "examples/" in image["example_input"]["path"]
        assert {"screening", "balanced", "rule-in"} <= set(point["type"]["enum"])
        assert set(overread.names()) > set(model["type"]["enum"]) - {""}
        assert (point["example_input"], model["example_input"]) == ("balanced", ENDPOINTS[endpoint])
        assert (smooth["example_input"], anyway["example_input"]) == (True, False)
        assert "probability" in info[endpoint]["returns"][0]["python_type"]["description"]
    assert "bus.png" not in json.dumps(info) and "Hello!!" not in json.dumps(info)


def test_llms_txt_describes_endpoints_answer_and_errors_as_they_are(address: str, client: Client, film: Path) -> None:
    text = httpx.get(f"{address}/llms.txt", timeout=30).text
    answer, _ = client.predict(handle_file(film), api_name="/chest_xray")
    described = re.findall(r"^- `(\w+)`: (.+)$", text.split("## Answer")[1].split("## Errors")[0], re.M)
    assert {name for name, _ in described} == set(answer)
    codes = re.findall(r"^- `(\w+)`: (.+)$", text.split("## Errors")[1], re.M)
    assert {"corrupt_image", "not_allowed", "unknown_model", "internal"} <= {code for code, _ in codes}
    assert address in text and DISCLAIMER in text and "32 MB" in text
    for endpoint, name in ENDPOINTS.items():
        assert f"### {endpoint}" in text and name in text


def test_example_images_are_served_as_they_are(address: str) -> None:
    for example in [*examples("histopathology"), *examples("chest-xray")]:
        assert httpx.get(f"{address}/examples/{example.file}", timeout=30).content == example.path.read_bytes()


def test_the_footer_says_why_the_hub_did_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(threads=1, lazy=True)
    sentence = "pcam-resnet18: the Hub cannot be reached; the bundled model answers."
    monkeypatch.setattr(service.classifier("histopathology"), "note", sentence)
    shown = [block["props"].get("value") for block in build(service).config["components"]]
    assert any(isinstance(value, str) and sentence in value for value in shown)
