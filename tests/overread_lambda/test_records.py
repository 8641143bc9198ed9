"""overread_lambda/records.py through the real handler: S3 notifications and SQS messages."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from overread_lambda import handler as lambda_handler
from overread_lambda import s3_objects
from overread_lambda.request_errors import RecordsFailedError

import overread
from tests.overread_lambda.aws_events import JsonValue, s3_notification, s3_test_event, sns, sqs
from tests.overread_lambda.conftest import AWS_SETTINGS, BUCKET, RESULT_BUCKET, Stored, s3_client
from tests.overread_lambda.generated_images import base64_of

CONTEXT = SimpleNamespace(aws_request_id="request-1")
KEY = "folder/patch.png"
LABEL = f"s3://{BUCKET}/{KEY}"


@pytest.fixture(autouse=True)
def role(monkeypatch: pytest.MonkeyPatch, s3: str) -> Iterator[None]:
    """The settings of a function that reads one bucket and stores its answers in another."""
    settings = {
        **AWS_SETTINGS,
        "AWS_ENDPOINT_URL_S3": s3,
        "OVERREAD_MODEL": "histopathology",
        "OVERREAD_RESULT_BUCKET": RESULT_BUCKET,
        "OVERREAD_RESULT_PREFIX": "",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    s3_objects.client.cache_clear()
    yield
    s3_objects.client.cache_clear()


@pytest.fixture
def s3_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 as a function sees it during an outage."""
    from overread_lambda.emulator import free_port

    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")


def ask(event: JsonValue) -> Any:
    return lambda_handler.handler(event, CONTEXT)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the log's lines about images, without the last line, which is about the event."""
    *about_images, about_event = map(json.loads, capsys.readouterr().out.splitlines())
    assert about_event.keys() >= {"request_id", "outcome", "status", "milliseconds"}
    return about_images


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("milliseconds", "image")}


def keys_of_results(s3: str) -> list[str]:
    return [found["Key"] for found in s3_client(s3).list_objects_v2(Bucket=RESULT_BUCKET).get("Contents", [])]


def direct(**fields: Any) -> str:
    """Return the body of a message with the JSON of a direct invocation."""
    return json.dumps({"model": "histopathology", **fields})


@pytest.mark.parametrize(
    "event",
    [
        s3_notification(BUCKET, KEY),
        sqs(json.dumps(s3_notification(BUCKET, KEY))),
        sqs(json.dumps(sns(s3_notification(BUCKET, KEY)))),
        sqs(direct(s3={"bucket": BUCKET, "key": KEY})),
    ],
    ids=["S3", "S3 in SQS", "S3 in SNS in SQS", "direct JSON in SQS"],
)
def test_an_image_in_s3_is_answered_in_the_log_and_in_s3(
    event: JsonValue, stored: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = ask({"s3": {"bucket": BUCKET, "key": KEY}, "model": "histopathology"})
    capsys.readouterr()
    returned = ask(event)
    (line,) = lines(capsys)
    assert (line["request_id"], line["image"], line["status"]) == ("request-1", LABEL, 200)
    assert line["probability"] == expected["probability"]
    assert "heatmap" not in line
    result = stored(f"{KEY}.json")
    assert result["image"] == LABEL
    assert without_times(result) == without_times(expected)
    if "batchItemFailures" in returned:
        assert returned == {"batchItemFailures": []}
    else:
        assert [without_times(answer) for answer in returned["predictions"]] == [without_times(expected)]


@pytest.mark.parametrize("key", ["a b.png", "a+b.png", "50%.png", "größe/Über uns.png", "x&y=z.png", "a%20b.png"])
def test_keys_are_decoded(key: str, s3: str, stored: Stored, patch: bytes) -> None:
    s3_client(s3).put_object(Bucket=BUCKET, Key=key, Body=patch)
    ask(s3_notification(BUCKET, key))
    assert stored(f"{key}.json")["finding"] == "lymph-node metastasis"


def test_the_model_is_the_one_that_the_owner_set(monkeypatch: pytest.MonkeyPatch, stored: Stored) -> None:
    other = overread.names("histopathology")[-1]
    monkeypatch.setenv("OVERREAD_MODEL", other)
    ask(s3_notification(BUCKET, KEY))
    assert stored(f"{KEY}.json")["model"]["name"] == other


def test_without_a_result_bucket_answers_go_to_the_log_only(
    monkeypatch: pytest.MonkeyPatch, s3: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_RESULT_BUCKET", "")
    ask(s3_notification(BUCKET, KEY))
    (line,) = lines(capsys)
    assert line["probability"] > 0
    assert keys_of_results(s3) == []


def test_answers_get_the_prefix(monkeypatch: pytest.MonkeyPatch, s3: str, stored: Stored) -> None:
    monkeypatch.setenv("OVERREAD_RESULT_PREFIX", "2026/answers/")
    ask(s3_notification(BUCKET, KEY))
    assert keys_of_results(s3) == [f"2026/answers/{KEY}.json"]
    assert stored(f"2026/answers/{KEY}.json")["image"] == LABEL


def test_the_images_of_messages_are_named_by_their_message(s3: str, stored: Stored, patch: bytes) -> None:
    image = base64_of(patch)
    event = sqs(direct(image=image), direct(images=[image, {"s3": {"bucket": BUCKET, "key": KEY}}, "?"]), "{}")
    assert ask(event) == {"batchItemFailures": []}
    assert keys_of_results(s3) == [f"{KEY}.json", *(f"message-{name}.json" for name in ("1", "2-1", "2-3", "3"))]
    assert stored("message-1.json")["finding"] == stored("message-2-1.json")["finding"] == "lymph-node metastasis"
    assert [stored(f"message-{name}.json")["error"]["status"] for name in ("2-3", "3")] == [400, 400]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("no json", 400, "RequestError"),
        ("[]", 400, "RequestError"),
        (json.dumps(sns({}) | {"Message": "plain text"}), 400, "RequestError"),
        (json.dumps({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": None}}]}), 400, "RequestError"),
        (json.dumps({"Records": [7]}), 400, "RequestError"),
        (direct(image=base64_of(b"plain text")), 415, "UnsupportedImageError"),
        (direct(image="AAAA", model="brain-mri"), 400, "UnknownModelError"),
        (direct(url="https://example.org/x.png"), 403, "NotAllowedError"),
        (json.dumps(s3_notification(BUCKET, "none.png")), 400, "SourceError"),
        (json.dumps(s3_notification(BUCKET, "large.png")), 413, "ImageTooLargeError"),
    ],
)
def test_what_can_never_be_answered_is_not_tried_again(
    body: str, status: int, kind: str, stored: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(sqs(body)) == {"batchItemFailures": []}
    (line,) = lines(capsys)
    assert (line["status"], line["error"]["type"]) == (status, kind)


def test_a_bad_image_of_a_notification_has_its_error_as_the_answer(stored: Stored) -> None:
    bad, good = ask(s3_notification(BUCKET, "none.png", KEY))["predictions"]
    assert bad["error"]["type"] == "SourceError"
    assert good["finding"] == "lymph-node metastasis"
    assert stored("none.png.json") == {"image": f"s3://{BUCKET}/none.png", **bad}


@pytest.mark.parametrize("queue", [True, False])
def test_a_refused_image_has_its_error_as_the_answer_and_is_not_tried_again(
    queue: bool, monkeypatch: pytest.MonkeyPatch, stored: Stored
) -> None:
    monkeypatch.setenv("OVERREAD_MODEL", "chest-xray")
    notification = s3_notification(BUCKET, KEY)
    returned = ask(sqs(json.dumps(notification)) if queue else notification)
    result = stored(f"{KEY}.json")
    assert (result["error"]["status"], result["error"]["type"]) == (422, "RefusedImageError")
    assert result["error"]["guard"]["reason"] == "This looks like a stained tissue section, not a frontal chest film."
    assert returned == ({"batchItemFailures": []} if queue else {"predictions": [{"error": result["error"]}]})


@pytest.mark.usefixtures("s3_down")
def test_sqs_keeps_only_the_messages_that_a_later_attempt_can_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, patch: bytes
) -> None:
    monkeypatch.setenv("OVERREAD_RESULT_BUCKET", "")
    event = sqs("no json", json.dumps(s3_notification(BUCKET, KEY)), direct(image=base64_of(patch)))
    assert ask(event) == {"batchItemFailures": [{"itemIdentifier": "message-2"}]}
    refused, unreachable, answered = lines(capsys)
    assert [line["status"] for line in (refused, unreachable, answered)] == [400, 503, 200]
    assert unreachable["outcome"] == "S3UnavailableError"


def test_an_answer_that_cannot_be_stored_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_RESULT_BUCKET", "no-such-bucket")
    event = sqs(json.dumps(s3_notification(BUCKET, KEY)))
    assert ask(event) == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    (line,) = lines(capsys)
    assert line["outcome"] == "ResultError"
    assert "no-such-bucket" in line["message"]


def test_a_fault_of_the_function_is_tried_again_and_leaves_no_data_in_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], patch: bytes
) -> None:
    secret = base64_of(patch)

    def fail(*arguments: object) -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr(lambda_handler, "read", fail)
    assert ask(sqs(direct(image=secret))) == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    printed = capsys.readouterr().out
    assert json.loads(printed.splitlines()[0])["outcome"] == "RuntimeError"
    assert secret not in printed


@pytest.mark.parametrize("model", ["", "brain-mri"])
def test_without_a_model_the_message_stays_and_the_owner_reads_what_to_set(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_MODEL", model)
    event = sqs(json.dumps(s3_notification(BUCKET, KEY)))
    assert ask(event) == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    (line,) = lines(capsys)
    assert line["outcome"] == "SettingError"
    assert "set OVERREAD_MODEL to one of" in line["message"] and "pcam-resnet18" in line["message"]


def test_an_s3_event_that_fails_ends_with_an_exception_so_that_lambda_calls_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OVERREAD_MODEL")
    with pytest.raises(RecordsFailedError, match=r"2 of 2 images got no answer: .*set OVERREAD_MODEL"):
        ask(s3_notification(BUCKET, KEY, "none.png"))
    *_, about_event = map(json.loads, capsys.readouterr().out.splitlines())
    assert (about_event["outcome"], about_event["status"]) == ("RecordsFailedError", 500)


@pytest.mark.parametrize("event", [s3_test_event(BUCKET), sqs(json.dumps(s3_test_event(BUCKET)))])
def test_the_test_event_of_s3_is_ignored(event: JsonValue, s3: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(event) in ({"predictions": []}, {"batchItemFailures": []})
    assert lines(capsys) == []
    assert keys_of_results(s3) == []


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (s3_notification(BUCKET, KEY, name="ObjectRemoved:Delete"), "ObjectRemoved:Delete creates no object"),
        (s3_notification(BUCKET, "folder/"), "folder"),
    ],
)
def test_what_is_no_new_image_is_skipped(
    event: JsonValue, reason: str, s3: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(event) == {"predictions": []}
    (line,) = lines(capsys)
    assert line["outcome"] == "skipped" and reason in line["message"]
    assert keys_of_results(s3) == []


@pytest.mark.parametrize("prefix", ["", "answers/", "folder/"])
def test_answers_beside_the_images_do_not_call_the_function_in_a_loop(
    prefix: str, monkeypatch: pytest.MonkeyPatch, s3: str, stored: Stored, patch: bytes
) -> None:
    """Every object that a call writes causes a notification here, as in a bucket without a filter."""
    s3_client(s3).put_object(Bucket=RESULT_BUCKET, Key=KEY, Body=patch)
    monkeypatch.setenv("OVERREAD_RESULT_PREFIX", prefix)
    known: set[str] = set()
    calls = 0
    while new := set(keys_of_results(s3)) - known:
        known |= new
        ask(s3_notification(RESULT_BUCKET, *new))
        calls += 1
        assert calls < 5
    assert known == {KEY, f"{prefix}{KEY}.json"}
    assert stored(f"{prefix}{KEY}.json")["finding"] == "lymph-node metastasis"


@pytest.mark.parametrize(
    "records",
    [
        [],
        None,
        {},
        [7],
        [{}],
        [{"eventSource": "aws:kinesis"}],
        [{"eventSource": "aws:s3"}, {"eventSource": "aws:sqs"}],
    ],
)
def test_records_of_another_kind_are_refused(records: JsonValue) -> None:
    error = ask({"Records": records})["error"]
    assert (error["status"], error["type"]) == (400, "RequestError")
    assert "Records" in error["message"]


def test_an_http_body_with_records_is_no_event_of_aws(s3: str) -> None:
    from tests.overread_lambda.aws_events import body_of, http_v2

    error = body_of(ask(http_v2(json.dumps(s3_notification(BUCKET, KEY)))), 400)["error"]
    assert "'Records' is not known" in error["message"]
    assert keys_of_results(s3) == []
