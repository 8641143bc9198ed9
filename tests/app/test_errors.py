"""What the running app cannot answer is one sentence with a code."""

import asyncio
import base64
import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from overread.service import Service
from tests.support.landscape import landscape
from tests.support.rest import call
from ui.page import build


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
    client: Client, tmp_path: Path, patch: Path, app_log: Path, case: str
) -> None:
    data, words = BAD_FILES[case]
    path = tmp_path / "upload.png"
    path.write_bytes(data)
    with pytest.raises(Exception, match=words) as caught:
        client.predict(handle_file(path), api_name="/histopathology")
    assert "Traceback" not in str(caught.value)
    assert client.predict(handle_file(patch), api_name="/histopathology")[0]["finding"] == "lymph-node metastasis"
    assert "Traceback" not in app_log.read_text()


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
    service = Service(threads=1, lazy=True)

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


def test_an_image_of_another_kind_is_refused_by_name_and_answered_with_a_warning_if_wanted(
    client: Client, tmp_path: Path
) -> None:
    landscape().save(tmp_path / "landscape.png")
    with pytest.raises(AppError, match="colour photograph") as caught:
        client.predict(handle_file(tmp_path / "landscape.png"), api_name="/chest_xray")
    assert caught.value.title == "refused_image"
    answer, _ = client.predict(handle_file(tmp_path / "landscape.png"), answer_anyway=True, api_name="/chest_xray")
    assert answer["guard"]["outcome"] == "refused" and "Answered anyway" in answer["notes"][0]
