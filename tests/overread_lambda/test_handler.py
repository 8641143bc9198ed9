"""overread_lambda/handler.py in this process: the answer's shape, the errors' statuses, the log."""

import base64
import io
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from overread_lambda import answers
from overread_lambda import handler as lambda_handler
from PIL import Image

import overread
from overread.catalogue import Domain, catalogue
from tests.overread_lambda.aws_events import JsonValue, body_of, http_v2
from tests.overread_lambda.generated_images import base64_of, png, png_of
from tests.support.landscape import landscape_png

CONTEXT = SimpleNamespace(aws_request_id="request-1")


def ask(event: JsonValue) -> JsonValue:
    return lambda_handler.handler(event, CONTEXT)


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["milliseconds"].keys() == {"decode", "guard", "lungs", "preprocess", "inference", "overlay"}
    return {name: value for name, value in answer.items() if name != "milliseconds"}


@pytest.mark.parametrize("name", overread.names())
def test_answers_what_python_answers(name: str, by_domain: dict[str, bytes]) -> None:
    image = by_domain[catalogue()[name].domain]
    expected = overread.load(name, threads=1).predict(image, "screening")
    answer = ask({"image": base64_of(image), "model": name, "operating_point": "screening"})
    assert without_times(answer) == without_times(expected.to_json())


@pytest.mark.parametrize("domain", ["histopathology", "chest-xray"])
def test_a_domain_stands_for_its_default_model(domain: Domain, by_domain: dict[str, bytes]) -> None:
    answer = ask({"image": base64_of(by_domain[domain]), "model": domain})
    assert answer["model"]["name"] == overread.names(domain)[0]


def test_the_heat_map_comes_as_asked_for(patch: bytes) -> None:
    event = {"image": base64_of(patch), "model": "histopathology"}
    none, grid, png_answer, cells = (
        ask({**event, **asked})
        for asked in ({"heatmap": "none"}, {"heatmap": "grid"}, {"heatmap": "png"}, {"heatmap": "png", "smooth": False})
    )
    assert without_times(grid) == without_times(ask(event))
    assert "values" not in none["heatmap"]
    assert none["heatmap"]["shape"] == list(np.shape(grid["heatmap"]["values"]))
    model = overread.load(grid["model"]["name"], threads=1)
    for answer, smooth in ((png_answer, True), (cells, False)):
        overlay = Image.open(io.BytesIO(base64.b64decode(answer.pop("overlay_png_base64"))))
        assert np.array_equal(np.asarray(overlay), np.asarray(model.predict(patch, smooth=smooth).overlay))
        assert without_times(answer) == without_times(grid)


def test_http_and_direct_callers_read_the_same(patch: bytes) -> None:
    event = {"image": base64_of(patch), "model": "histopathology"}
    assert without_times(body_of(ask(http_v2(json.dumps(event))))) == without_times(ask(event))


def test_a_batch_answers_in_order_and_skips_what_is_bad(patch: bytes, radiograph: bytes) -> None:
    images = [base64_of(patch), "AAAA", {"image": base64_of(radiograph), "model": "chest-xray"}, base64_of(b"GIF89a")]
    first, bad, second, cut = ask({"images": images, "model": "histopathology"})["predictions"]
    assert [first["finding"], second["finding"]] == ["lymph-node metastasis", "pneumonia"]
    assert [bad["error"]["status"], cut["error"]["status"]] == [415, 415]


def test_a_batch_stays_under_lambdas_limit(monkeypatch: pytest.MonkeyPatch, patch: bytes) -> None:
    event = {"images": [base64_of(patch)] * 5, "model": "histopathology"}
    monkeypatch.setattr(answers, "MAX_ANSWER_BYTES", len(json.dumps(ask(event))) // 2)
    answer = ask(event)
    kept = [item for item in answer["predictions"] if "error" not in item]
    refused = [item["error"] for item in answer["predictions"] if "error" in item]
    assert kept
    assert {(error["status"], error["type"]) for error in refused} == {(413, "TooMuchError")}
    assert "6 MB" in refused[0]["message"]


def bomb() -> bytes:
    return png_of(Image.new("1", (9000, 9000)))


@pytest.mark.parametrize(
    ("event", "status", "kind", "words"),
    [
        ({}, 400, "RequestError", "none of them"),
        ("text", 400, "RequestError", "JSON object"),
        ({"image": "AAAA"}, 400, "RequestError", "pcam-resnet18"),
        ({"image": "AAAA", "model": "brain-mri"}, 400, "UnknownModelError", "histopathology"),
        (
            {"url": "https://example.org/x.png", "model": "chest-xray", "operating_point": "best"},
            400,
            "UnknownOperatingPointError",
            "rule-in",
        ),
        ({"image": base64_of(png(96, 96)[:-200]), "model": "histopathology"}, 400, "CorruptImageError", "damaged"),
        ({"image": base64_of(png(8, 8)), "model": "histopathology"}, 400, "ImageTooSmallError", "at least"),
        ({"image": base64_of(b"%PDF-1.7"), "model": "histopathology"}, 415, "UnsupportedImageError", "DICOM"),
        ({"image": base64_of(bomb()), "model": "histopathology"}, 413, "ImageTooLargeError", "megapixels"),
        ({"images": ["AAAA"] * 99, "model": "histopathology"}, 413, "TooMuchError", "at most"),
        (
            {"url": "https://example.org/x.png", "model": "chest-xray"},
            403,
            "NotAllowedError",
            "Links are not read here",
        ),
        (http_v2("x", "text/html"), 415, "ContentTypeError", "application/json"),
        ({**http_v2(""), "requestContext": {"http": {"method": "GET"}}}, 405, "MethodError", "POST"),
    ],
)
def test_every_error_has_its_status_and_says_what_to_do(event: JsonValue, status: int, kind: str, words: str) -> None:
    answer = ask(event)
    if isinstance(event, dict) and "requestContext" in event:
        answer = body_of(answer, status)
    assert answer["request_id"] == "request-1"
    assert (answer["error"]["status"], answer["error"]["type"]) == (status, kind)
    assert words in answer["error"]["message"]


def test_a_fault_of_the_function_is_answered_without_its_cause(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], patch: bytes
) -> None:
    secret = base64_of(patch)

    def fail(*arguments: object) -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr(lambda_handler, "read", fail)
    answer = ask({"image": base64_of(patch), "model": "histopathology"})
    error = {"status": 500, "type": "InternalError", "message": "Something went wrong on our side."}
    assert answer == {"error": error, "request_id": "request-1"}
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["outcome"] == "RuntimeError"
    assert "handler.py" in json.loads(line)["traceback"]
    assert secret not in line


def test_each_request_leaves_one_line_without_pixels(
    capsys: pytest.CaptureFixture[str], patch: bytes, radiograph: bytes
) -> None:
    image, film = base64_of(patch), base64_of(radiograph)
    for event in ({"image": image, "model": "histopathology"}, {"images": [film, "AAAA"], "model": "chest-xray"}, {}):
        ask(event)
    lines = capsys.readouterr().out.splitlines()
    answered, batch, refused = map(json.loads, lines)
    assert answered.keys() == {"request_id", "models", "outcome", "status", "milliseconds"}
    assert (answered["models"], answered["outcome"], answered["status"]) == (["histopathology"], "answered", 200)
    assert batch["outcome"] == ["answered", "UnsupportedImageError"]
    assert (refused["outcome"], refused["status"]) == ("RequestError", 400)
    assert not any(sent[:40] in line for line in lines for sent in (image, film))


REFUSED = "This looks like a chest film, not a stained section of a lymph node at 10x."


@pytest.mark.parametrize("kind", ["direct", "json", "raw", "batch"])
def test_an_image_of_another_kind_is_refused_with_the_verdict(kind: str, radiograph: bytes) -> None:
    image = base64_of(radiograph)
    fields = {"image": image, "model": "histopathology"}
    error = {
        "direct": lambda: ask(fields),
        "json": lambda: body_of(ask(http_v2(json.dumps(fields))), 422),
        "raw": lambda: body_of(ask(http_v2(image, "image/jpeg", True, model="histopathology")), 422),
        "batch": lambda: ask({"images": [image], "model": "histopathology"})["predictions"][0],
    }[kind]()["error"]
    assert (error["status"], error["type"]) == (422, "RefusedImageError")
    assert error["message"] == f"{REFUSED} No answer was given: answer_anyway gets one, with this warning."
    guard = error["guard"]
    assert (guard["outcome"], guard["code"], guard["reason"]) == ("refused", "other-kind", REFUSED)


@pytest.mark.parametrize("kind", ["direct", "json", "raw", "batch", "one of a batch"])
def test_answer_anyway_answers_with_the_warning(kind: str, radiograph: bytes) -> None:
    image = base64_of(radiograph)
    fields = {"image": image, "model": "histopathology", "answer_anyway": True}
    item = {"image": image, "answer_anyway": True}
    raw = (image, "image/jpeg", True)
    answer = {
        "direct": lambda: ask(fields),
        "json": lambda: body_of(ask(http_v2(json.dumps(fields)))),
        "raw": lambda: body_of(ask(http_v2(*raw, model="histopathology", answer_anyway="true"))),
        "batch": lambda: ask({"images": [image], "model": "histopathology", "answer_anyway": True})["predictions"][0],
        "one of a batch": lambda: ask({"images": [item], "model": "histopathology"})["predictions"][0],
    }[kind]()
    assert answer["guard"]["outcome"] == "refused"
    assert answer["notes"][0] == f"{REFUSED} Answered anyway, as requested: the answer may mean nothing."


def test_a_landscape_is_refused_by_every_model() -> None:
    errors = [ask({"image": base64_of(landscape_png()), "model": name})["error"] for name in overread.names()]
    assert {(error["status"], error["guard"]["outcome"]) for error in errors} == {(422, "refused")}
