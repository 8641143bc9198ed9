"""The function under AWS's Runtime Interface Emulator, called with boto3 as its users call it."""

import io
import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image

import overread
from overread.catalogue import Domain
from tests.overread_lambda.aws_events import JsonValue, body_of, http_v2, rest_v1, s3_notification, sqs
from tests.overread_lambda.conftest import BUCKET, Invoke, Stored
from tests.overread_lambda.generated_images import base64_of, png, png_of

NAMES = {domain: overread.names(domain)[0] for domain in ("histopathology", "chest-xray")}


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "milliseconds"}


@pytest.mark.parametrize("domain", ["histopathology", "chest-xray"])
@pytest.mark.parametrize(
    "kind", ["direct", "data URL", "url json", "url json base64", "url raw", "rest json", "rest raw", "s3", "batch"]
)
def test_every_kind_of_event_gets_pythons_answer(
    kind: str, domain: Domain, call: Invoke, by_domain: dict[str, bytes]
) -> None:
    image = base64_of(by_domain[domain])
    fields = {"image": image, "model": domain}
    text = json.dumps(fields)
    raw = (image, "image/jpeg", True)
    answer = {
        "direct": lambda: call(fields),
        "data URL": lambda: call({**fields, "image": "data:image/jpeg;base64," + image}),
        "url json": lambda: body_of(call(http_v2(text))),
        "url json base64": lambda: body_of(call(http_v2(base64_of(text.encode()), encoded=True))),
        "url raw": lambda: body_of(call(http_v2(*raw, model=domain))),
        "rest json": lambda: body_of(call(rest_v1(text))),
        "rest raw": lambda: body_of(call(rest_v1(*raw, model=domain))),
        "s3": lambda: call({"s3": {"bucket": BUCKET, "key": domain}, "model": domain}),
        "batch": lambda: call({"images": [fields["image"]], "model": domain})["predictions"][0],
    }[kind]()
    expected = overread.load(overread.names(domain)[0], threads=1).predict(by_domain[domain]).to_json()
    assert without_times(answer) == without_times(expected)


def test_a_warm_call_answers_the_same(call: Invoke, radiograph: bytes) -> None:
    event = {"image": base64_of(radiograph), "model": "chest-xray", "heatmap": "png"}
    assert without_times(call(event)) == without_times(call(event))


def test_ten_callers_at_once_are_all_answered(call: Invoke) -> None:
    images = [png(96, 96, seed) for seed in range(10)]
    common = {"model": "histopathology", "heatmap": "none", "answer_anyway": True}
    events = [{"image": base64_of(image), **common} for image in images]
    one_by_one = [without_times(call(event)) for event in events]
    with ThreadPoolExecutor(10) as callers:
        assert [without_times(answer) for answer in callers.map(call, events)] == one_by_one


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({}, 400),
        ([], 400),
        (None, 400),
        ({"image": "AAAA"}, 400),
        ({"image": "AAAA", "model": "other"}, 400),
        ({"image": base64_of(png(96, 96)), "model": "chest-xray", "operating_point": "other"}, 400),
        ({"image": base64_of(png(96, 96)[:-300]), "model": "chest-xray"}, 400),
        ({"image": base64_of(b"plain text"), "model": "chest-xray"}, 415),
        ({"image": base64_of(png_of(Image.new("1", (9000, 9000)))), "model": "chest-xray"}, 413),
        ({"image": base64_of(png(96, 96)), "model": "chest-xray"}, 422),
        ({"images": ["AAAA"] * 33, "model": "chest-xray"}, 413),
        ({"s3": {"bucket": BUCKET, "key": "none.png"}, "model": "chest-xray"}, 400),
        ({"s3": {"bucket": BUCKET, "key": "large.png"}, "model": "chest-xray"}, 413),
        ({"url": "https://example.org/x.png", "model": "chest-xray"}, 403),
        ({"url": "http://localhost/x.png", "model": "chest-xray"}, 403),
        ({"url": "https://localhost/x.png", "model": "chest-xray"}, 403),  # allowed by name, refused by address
    ],
)
def test_every_error_comes_as_json_with_a_status(event: JsonValue, status: int, call: Invoke) -> None:
    answer = call(event)
    assert answer.keys() == {"error", "request_id"}
    assert answer["error"]["status"] == status, answer
    assert answer["error"]["message"].endswith(".")
    assert answer["request_id"]


@pytest.mark.parametrize(("content_type", "status"), [("text/html", 415), ("image/png", 400)])
def test_http_errors_carry_their_status(content_type: str, status: int, call: Invoke) -> None:
    error = body_of(call(http_v2("not an image", content_type)), status)["error"]
    assert error["status"] == status


def test_a_payload_of_5_9_megabytes_is_answered(call: Invoke) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1200, 3), np.uint8)
    settings = {"model": "chest-xray", "heatmap": "none", "answer_anyway": True}
    event = json.dumps({"image": base64_of(png_of(Image.fromarray(noise))), **settings})
    payload = event[:-1] + " " * (5_900_000 - len(event)) + "}"
    assert len(payload) == 5_900_000
    assert call(payload.encode())["finding"] == "pneumonia"


@pytest.mark.parametrize("payload", [b"", b"no json", b"\xff\xfe", b"[" * 10_000, b'{"image": "AA'])
def test_a_payload_that_is_not_json_is_refused_as_lambda_does_and_the_next_call_is_answered(
    payload: bytes, call: Invoke, patch: bytes
) -> None:
    with pytest.raises(ClientError) as refused:
        call(payload)
    assert refused.value.response["Error"]["Code"] == "InvalidRequestContentException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert call({"image": base64_of(patch), "model": "histopathology"})["finding"] == "lymph-node metastasis"


@pytest.mark.parametrize("event", [http_v2, rest_v1])
@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        ("no json", False),
        ('{"image": "AA', False),
        (base64_of(b'{"image": "AAAA"}'), False),  # base64, but not marked as such
        ('{"image": "AAAA"}', True),  # marked as base64, but JSON
        (base64_of(b"\xff\xfe"), True),
        ("[" * 10_000, False),
        ("NaN", False),
        ("null", False),
        ("", False),
        (None, False),
        (None, True),
        (5, False),
    ],
)
def test_an_http_body_that_is_not_a_json_object_gets_our_400(
    event: Callable[..., dict[str, Any]], body: Any, encoded: bool, call: Invoke
) -> None:
    answer = body_of(call(event(body, encoded=encoded)), 400)
    assert (answer["error"]["status"], answer["error"]["type"]) == (400, "RequestError")
    assert answer["request_id"]


def test_a_bucket_of_images_is_read_without_a_client(call: Invoke, stored: Stored) -> None:
    answer = call(s3_notification(BUCKET, "folder/patch.png"))
    (prediction,) = answer["predictions"]
    assert prediction["finding"] == "lymph-node metastasis"
    assert stored("folder/patch.png.json") == {"image": f"s3://{BUCKET}/folder/patch.png", **prediction}


def test_a_queue_keeps_nothing_of_what_is_answered_or_cannot_be(call: Invoke, stored: Stored) -> None:
    notification = s3_notification(BUCKET, "none.png")
    assert call(sqs("no json", json.dumps(notification))) == {"batchItemFailures": []}
    assert stored("message-1.json")["error"]["status"] == 400
    assert stored("none.png.json")["error"]["type"] == "SourceError"


def bad_payload(chance: random.Random) -> JsonValue:
    """Return an event with random faults in its shape, its types, its text or the bytes of its image."""
    values = [None, True, -1, 1e308, "", "x", "\ud800", "\0", "é" * 99, [], [[]], {}, {"a": {"b": []}}, "A" * 4001]
    file = io.BytesIO()
    kind = chance.choice(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
    Image.frombytes("RGB", (40, 40), chance.randbytes(4800)).save(file, kind)
    data = bytearray(file.getvalue())
    for _ in range(chance.choice([1, 3, 30])):
        data[chance.randrange(min(len(data), chance.choice([16, 128, 10_000])))] = chance.randrange(256)
    if chance.random() < 0.3:
        del data[chance.randrange(len(data)) :]
    fields: dict[str, Any] = {"image": base64_of(bytes(data)), "model": chance.choice([*NAMES, *NAMES.values()])}
    for _ in range(chance.randrange(3)):
        names = [
            "image",
            "images",
            "model",
            "operating_point",
            "heatmap",
            "smooth",
            "s3",
            "url",
            "answer_anyway",
            "Event",
        ]
        fields[chance.choice(names)] = chance.choice(values)
    if chance.random() < 0.2:
        fields = {"images": [fields, chance.choice(values)], "model": "histopathology"}
    if chance.random() < 0.6:
        return fields if chance.random() < 0.9 else chance.choice(values)
    event: dict[str, Any] = chance.choice([http_v2, rest_v1])(json.dumps(fields))
    for _ in range(chance.randrange(3)):
        event[chance.choice([*event])] = chance.choice(values)
    return event


def is_documented(answer: JsonValue) -> bool:
    """Return whether an answer has one of the shapes that answers.py documents, and no fault of the function."""
    if "predictions" in answer:
        return all(map(is_documented, answer["predictions"]))
    return "finding" in answer or 400 <= answer["error"]["status"] < 500


def test_two_hundred_bad_payloads_are_answered(call: Invoke, patch: bytes) -> None:
    chance = random.Random(3)
    refused = 0
    for _ in range(200):
        event = bad_payload(chance)
        answer = call(event)
        body = json.loads(answer["body"]) if "statusCode" in answer else answer
        assert is_documented(body), (event, answer)
        refused += "finding" not in body
    assert refused > 150
    assert call({"image": base64_of(patch), "model": "histopathology"})["finding"] == "lymph-node metastasis"
