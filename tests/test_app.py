"""The running app, called with the real gradio_client."""

import asyncio
import base64
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, PngImagePlugin

import overread
from overread.catalogue import entry
from overread.prediction import DISCLAIMER
from overread.service import Service
from tests.support.dicom_file import dicom
from tests.support.landscape import landscape
from tests.support.running_app import running_app
from training.reports.snippets import snippets
from ui.examples import examples
from ui.page import build

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
def patch(tmp_path: Path) -> Path:
    """An H&E patch as PNG."""
    return as_png(examples("histopathology")[0].path, tmp_path / "image.png")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A chest film as PNG."""
    return as_png(examples("chest-xray")[0].path, tmp_path / "film.png")


@pytest.fixture
def images(patch: Path, film: Path) -> dict[str, Path]:
    """An image that the guard accepts, by endpoint."""
    return {"/histopathology": patch, "/chest_xray": film}


def as_png(image: Path, file: Path) -> Path:
    Image.open(image).save(file)
    return file


@pytest.mark.parametrize(("endpoint", "name"), ENDPOINTS.items())
def test_an_endpoint_answers_as_the_python_api_does(
    client: Client, images: dict[str, Path], endpoint: str, name: str
) -> None:
    answer, overlay = client.predict(handle_file(images[endpoint]), "screening", api_name=endpoint)
    expected = overread.load(name).predict(images[endpoint], "screening")
    here = expected.to_json()
    assert {**answer, "milliseconds": None} == {**here, "milliseconds": None}
    np.testing.assert_array_equal(np.asarray(Image.open(overlay)), np.asarray(expected.overlay))


@pytest.mark.parametrize("name", overread.names())
def test_what_a_model_card_shows_for_gradio_client_runs(address: str, tmp_path: Path, name: str) -> None:
    model = entry(name)
    image = as_png(examples(model.domain)[0].path, tmp_path / "image.png")
    shown = snippets(name, model.domain, is_ensemble=bool(model.members))["gradio_client"]
    code = shown.replace("http://127.0.0.1:7860", address)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    printed = re.fullmatch(r"(\S+) (.+) (\S+)", done.stdout.splitlines()[-1])  # after what the client says of itself
    expected = overread.load(name).predict(image)
    assert printed and float(printed[1]) == pytest.approx(expected.probability, abs=1e-6)
    assert printed[2] == expected.decision and Path(printed[3]).is_file()


def test_optional_arguments_can_be_left_out(client: Client, patch: Path) -> None:
    answer, _ = client.predict(handle_file(patch), api_name="/histopathology")
    assert answer["operating_point"]["name"] == "balanced"


def test_the_grid_can_be_asked_for(client: Client, patch: Path) -> None:
    _, smooth = client.predict(handle_file(patch), "", "", True, api_name="/histopathology")
    _, grid = client.predict(handle_file(patch), "", "", False, api_name="/histopathology")
    assert np.asarray(Image.open(smooth)).std() != np.asarray(Image.open(grid)).std()


def test_models_lists_what_is_loaded(client: Client) -> None:
    listed = client.predict(api_name="/models")
    assert [model["name"] for model in listed] == overread.names()
    assert all(len(model["sha256"]) == 64 and model["source"] == "bundled" for model in listed)


def test_only_the_named_endpoints_are_public(client: Client) -> None:
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {*ENDPOINTS, "/scan_field", "/models"}


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
    client: Client, tmp_path: Path, patch: Path, log: Path, case: str
) -> None:
    data, words = BAD_FILES[case]
    path = tmp_path / "upload.png"
    path.write_bytes(data)
    with pytest.raises(Exception, match=words) as caught:
        client.predict(handle_file(path), api_name="/histopathology")
    assert "Traceback" not in str(caught.value)
    assert client.predict(handle_file(patch), api_name="/histopathology")[0]["finding"] == "lymph-node metastasis"
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (("sometimes", ""), "operating point 'sometimes'", "unknown_operating_point"),
        (("", "gpt"), "model 'gpt'", "unknown_model"),
    ],
)
def test_a_wrong_argument_is_one_sentence_with_a_code(
    client: Client, film: Path, arguments: tuple[str, str], words: str, code: str
) -> None:
    with pytest.raises(AppError, match=words) as caught:
        client.predict(handle_file(film), *arguments, api_name="/chest_xray")
    assert caught.value.title == code


def test_no_picture_is_one_sentence(client: Client) -> None:
    with pytest.raises(AppError, match="There is no picture") as caught:
        client.predict(None, api_name="/chest_xray")
    assert caught.value.title == "empty_image"


def test_equal_answers_are_files_of_their_own(client: Client, patch: Path) -> None:
    first, second = (Path(client.predict(handle_file(patch), api_name="/histopathology")[1]) for _ in range(2))
    assert first.read_bytes() != second.read_bytes()  # else writing the one could cut the other's download short
    np.testing.assert_array_equal(np.asarray(Image.open(first)), np.asarray(Image.open(second)))


def test_what_a_file_says_about_itself_does_not_leave_with_the_answer(client: Client, tmp_path: Path) -> None:
    private = PngImagePlugin.PngInfo()
    private.add_text("PatientName", "Jane Roe")
    Image.open(examples("histopathology")[0].path).save(tmp_path / "named.png", pnginfo=private)
    _, overlay = client.predict(handle_file(tmp_path / "named.png"), api_name="/histopathology")
    assert b"Jane Roe" not in Path(overlay).read_bytes()


def test_many_requests_at_once_are_all_answered(address: str, images: dict[str, Path]) -> None:
    def call(endpoint: str) -> Any:
        return Client(address, verbose=False).predict(handle_file(images[endpoint]), api_name=endpoint)[0]["finding"]

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(call, [*ENDPOINTS] * 3))
    assert found == ["lymph-node metastasis", "pneumonia"] * 3


def call(address: str, endpoint: str, data: list[Any]) -> tuple[str, Any]:
    """Return the last event of a REST call, "complete" or "error", and its data."""
    started = httpx.post(f"{address}/gradio_api/call/{endpoint}", json={"data": data}, timeout=60).json()
    events = httpx.get(f"{address}/gradio_api/call/{endpoint}/{started['event_id']}", timeout=60).text.strip()
    name, data_line = events.split("\n\n")[-1].split("\n")
    return name.removeprefix("event: "), json.loads(data_line.removeprefix("data: "))


@pytest.mark.parametrize("endpoint", ["histopathology", "chest_xray"])
def test_an_image_alone_is_enough_as_base64_or_url(address: str, images: dict[str, Path], endpoint: str) -> None:
    text = base64.b64encode(images[f"/{endpoint}"].read_bytes()).decode()
    answers = [
        call(address, endpoint, [sent])
        for sent in (text, {"url": text}, f"data:image/png;base64,{text}", {"url": f"data:image/png;base64,{text}"})
    ]
    assert [event for event, _ in answers] == ["complete"] * 4
    assert len({answer[0]["probability"] for _, answer in answers}) == 1
    assert answers[0][1][0]["operating_point"]["name"] == "balanced"


WRONG_CALLS = {
    "an unreachable link": ([{"url": "https://nowhere.invalid/film.png"}], "no host nowhere.invalid", "source"),
    "a private link": (["https://127.0.0.1/film.png"], "not a public one", "not_allowed"),
    "no argument": ([], "There is no picture", "empty_image"),
    "too many arguments": (["", "", "", True, False, 5], "at most 5 arguments", "unreadable_request"),
    "an argument of the wrong type": (["", ["balanced"]], "cannot be read", "unreadable_request"),
    "no image": (["word"], "was not uploaded", "unsupported_image"),
}


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_a_wrong_call_is_one_sentence_with_a_code(address: str, case: str) -> None:
    data, words, code = WRONG_CALLS[case]
    event, answer = call(address, "chest_xray", data)
    assert event == "error" and words in answer["error"] and answer["title"] == code


@pytest.mark.parametrize("version", ["call", "call/v2", "run"])
def test_an_unknown_endpoint_is_one_sentence_with_a_code(address: str, version: str) -> None:
    answer = httpx.post(f"{address}/gradio_api/{version}/mammography", json={"data": []}, timeout=30)
    assert answer.status_code == 404
    assert answer.json()["title"] == "unknown_endpoint" and "/chest_xray" in answer.json()["error"]


@pytest.mark.parametrize("body", [b"no json", b'{"image": "secret"}', b'{"data": "secret"}'])
@pytest.mark.parametrize("version", ["call", "call/v2"])
def test_an_unreadable_body_is_one_sentence_and_is_not_repeated(address: str, version: str, body: bytes) -> None:
    if version == "call/v2" and b"image" in body:
        body = b'{"picture": "secret"}'
    answer = httpx.post(f"{address}/gradio_api/{version}/chest_xray", content=body, timeout=30)
    assert answer.status_code == 422 and answer.json()["title"] == "unreadable_request"
    assert "secret" not in answer.text


def test_an_error_of_the_server_is_one_sentence_and_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, film: Path
) -> None:
    service = Service(threads=1)

    quoted = "Jane Roe"

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(quoted)

    for classifier in map(service.classifier, ("histopathology", "chest-xray")):
        monkeypatch.setattr(classifier, "predict", broken)
    page = build(service)
    function = next(function for function in page.fns.values() if function.api_name == "chest_xray")
    text = base64.b64encode(film.read_bytes()).decode()
    with pytest.raises(Exception, match="Something went wrong on our side") as caught:
        asyncio.run(page.process_api(function, [text, "", "", True, False]))
    assert caught.value.title == "internal"
    assert "RuntimeError" in caplog.text and quoted not in caplog.text


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


def test_an_answer_carries_schema_version_and_the_digest_of_the_file(client: Client, film: Path) -> None:
    answer, _ = client.predict(handle_file(film), api_name="/chest_xray")
    assert answer["schema_version"]
    assert answer["image_sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()


def test_a_dicom_file_is_answered(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    grey = np.asarray(Image.open(examples("chest-xray")[0].path).convert("L")).astype(np.uint16) * 16
    path.write_bytes(dicom(grey, Modality="DX"))
    answer, _ = client.predict(handle_file(path), api_name="/chest_xray")
    assert answer["finding"] == "pneumonia"


def test_example_images_are_served_as_they_are(address: str) -> None:
    for example in [*examples("histopathology"), *examples("chest-xray")]:
        assert httpx.get(f"{address}/examples/{example.file}", timeout=30).content == example.path.read_bytes()


def test_an_image_of_another_kind_is_refused_by_name_and_answered_with_a_warning_if_wanted(
    client: Client, tmp_path: Path
) -> None:
    landscape().save(tmp_path / "landscape.png")
    with pytest.raises(AppError, match="colour photograph") as caught:
        client.predict(handle_file(tmp_path / "landscape.png"), api_name="/chest_xray")
    assert caught.value.title == "refused_image"
    answer, _ = client.predict(handle_file(tmp_path / "landscape.png"), answer_anyway=True, api_name="/chest_xray")
    assert answer["guard"]["outcome"] == "refused" and "Answered anyway" in answer["notes"][0]


def test_the_footer_says_why_the_hub_did_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(threads=1)
    sentence = "pcam-resnet18: the Hub cannot be reached; the bundled model answers."
    monkeypatch.setattr(service.classifier("histopathology"), "note", sentence)
    shown = [block["props"].get("value") for block in build(service).config["components"]]
    assert any(isinstance(value, str) and sentence in value for value in shown)
