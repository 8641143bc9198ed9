"""overread_lambda/events.py: every kind of event becomes the same questions."""

import json

import pytest
from overread_lambda.events import MAX_IMAGES, Link, Question, S3Object, parse
from overread_lambda.request_errors import ContentTypeError, MethodError, RequestError, TooMuchError

from tests.overread_lambda.aws_events import http_v2, rest_v1
from tests.overread_lambda.generated_images import base64_of

DATA = b"\x89PNG not really"
FIELDS = {"image": base64_of(DATA), "model": "histopathology", "operating_point": "screening", "heatmap": "png"}
QUESTION = Question(DATA, "histopathology", "screening", "png", smooth=True)


def one(event: object) -> Question:
    """Return the only question in the event."""
    request = parse(event)
    assert not request.batch
    (question,) = request.questions
    assert isinstance(question, Question)
    return question


@pytest.mark.parametrize(
    "event",
    [
        FIELDS,
        {**FIELDS, "image": "data:image/png;base64," + base64_of(DATA)},
        {**FIELDS, "image": base64_of(DATA)[:5] + "\r\n" + base64_of(DATA)[5:]},
        http_v2(json.dumps(FIELDS)),
        http_v2(json.dumps(FIELDS), "Application/JSON; charset=utf-8"),
        http_v2(base64_of(json.dumps(FIELDS).encode()), encoded=True),
        rest_v1(json.dumps(FIELDS)),
        http_v2(base64_of(DATA), "image/png", True, model="histopathology", operating_point="screening", heatmap="png"),
        rest_v1(base64_of(DATA), "application/dicom", True, **{k: v for k, v in FIELDS.items() if k != "image"}),
    ],
)
def test_every_kind_of_event_asks_the_same(event: dict[str, object]) -> None:
    assert one(event) == QUESTION


def test_what_is_not_said_is_left_to_the_model_and_to_the_default_heat_map() -> None:
    assert one({"image": base64_of(DATA)}) == Question(DATA, "", None, "grid", smooth=True)


def test_an_image_may_be_named_by_its_place() -> None:
    assert one({"s3": {"bucket": "b", "key": "k/x.png"}, "model": "m"}).image == S3Object("b", "k/x.png")
    assert one({"url": "https://example.org/x.png", "model": "m"}).image == Link("https://example.org/x.png")


def test_the_query_string_can_ask_for_the_grid_itself() -> None:
    assert one(http_v2(base64_of(DATA), "image/png", True, model="m", smooth="false")).smooth is False


def test_answer_anyway_is_off_unless_it_is_asked_for() -> None:
    assert one({"image": base64_of(DATA)}).answer_anyway is False
    assert one({"image": base64_of(DATA), "answer_anyway": True}).answer_anyway is True
    assert one(http_v2(base64_of(DATA), "image/png", True, model="m", answer_anyway="true")).answer_anyway is True


def test_a_batch_takes_common_settings_and_each_image_may_have_its_own() -> None:
    request = parse({"images": [base64_of(DATA), {"image": base64_of(DATA), "heatmap": "none"}], "model": "m"})
    assert request.batch
    assert request.questions == (Question(DATA, "m"), Question(DATA, "m", heatmap="none"))


def test_one_bad_image_of_a_batch_does_not_touch_the_others() -> None:
    images = [base64_of(DATA), "?", 7, {}, {"image": "AA==", "images": []}]
    good, *bad = parse({"images": images, "model": "m"}).questions
    assert good == Question(DATA, "m")
    assert all(isinstance(question, RequestError) for question in bad)


@pytest.mark.parametrize(
    ("event", "error", "words"),
    [
        (None, RequestError, "JSON object"),
        ([], RequestError, "JSON object"),
        ({}, RequestError, "none of them"),
        ({"image": ""}, RequestError, "must be a text"),
        ({"image": 3}, RequestError, "must be a text"),
        ({"image": "€"}, RequestError, "base64"),
        ({"image": "data:image/png,xyz"}, RequestError, "data URL"),
        ({"image": "AA==", "url": "https://x"}, RequestError, "image and url"),
        ({"image": "AA==", "heatmap": "svg"}, RequestError, "none, grid, png"),
        ({"image": "AA==", "heatmap": []}, RequestError, "none, grid, png"),
        ({"image": "AA==", "smooth": "yes"}, RequestError, "true or false"),
        ({"image": "AA==", "answer_anyway": 1}, RequestError, "`answer_anyway` must be true or false"),
        (http_v2("AA==", "image/png", True, answer_anyway="yes"), RequestError, "true or false"),
        ({"image": "AA==", "model": 5}, RequestError, "`model`"),
        ({"image": "AA==", "operating-point": "x"}, RequestError, "'operating-point' is not known"),
        ({"s3": "bucket/key"}, RequestError, "`s3`"),
        ({"s3": {"bucket": "b"}}, RequestError, "`s3`"),
        ({"s3": {"bucket": "b", "key": 1}}, RequestError, "`key`"),
        ({"images": []}, RequestError, "at least one"),
        ({"images": "AA=="}, RequestError, "list"),
        ({"images": ["AA=="], "image": "AA=="}, RequestError, "'image' is not known"),
        ({"images": ["AA=="] * (MAX_IMAGES + 1)}, TooMuchError, f"at most {MAX_IMAGES}"),
        (http_v2(""), RequestError, "no body"),
        (http_v2("{"), RequestError, "not valid JSON"),
        (http_v2("[]"), RequestError, "JSON object"),
        (http_v2("[" * 100_000), RequestError, "not valid JSON"),
        (http_v2("%%", encoded=True), RequestError, "base64"),
        (http_v2("/w==", encoded=True), RequestError, "not valid JSON"),
        (http_v2("AA==", "text/plain"), ContentTypeError, "text/plain"),
        (http_v2("pixels", "image/png"), RequestError, "binary media types"),
        (http_v2("AA==", "image/png", True, modell="x"), RequestError, "'modell' is not known"),
        ({**http_v2("{}"), "requestContext": {"http": {"method": "GET"}}}, MethodError, "POST"),
        ({"requestContext": None, "httpMethod": None}, MethodError, "POST"),
        ({**http_v2("{}"), "headers": None, "body": 5}, RequestError, "no body"),
    ],
)
def test_an_error_says_what_is_wrong(event: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as raised:
        parse(event)
    assert type(raised.value) is error
    assert words in str(raised.value)
