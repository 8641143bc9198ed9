"""Parses a Lambda event into questions: direct invocation, API Gateway (REST and HTTP API) and function URL.

Direct invocation, and the JSON body of an HTTP request:

    {"image": BASE64 | "data:image/png;base64,...",   or "s3": {"bucket", "key"},   or "url": "https://..."
     "model": a model's name or domain, "operating_point"?: name, "heatmap"?: "none" | "grid" | "png", "smooth"?: bool,
     "answer_anyway"?: bool}
    {"images": [BASE64 | {"image" | "s3" | "url", ...}, ...], ...the other fields, for every image}

The body of an HTTP request may also be the image itself (Content-Type image/* or application/dicom), with the other
fields in the query string. Events of S3 and SQS: see records.py.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from overread.errors import InputError
from overread_lambda.request_errors import ContentTypeError, MethodError, RequestError, TooMuchError
from overread_lambda.s3_objects import S3Object

Heatmap = Literal["none", "grid", "png"]
HEATMAPS: tuple[Heatmap, ...] = get_args(Heatmap)
MAX_IMAGES = 32  # in one request: at 0.4 s each (an ensemble), well within the function's time limit of 60 s
PLACES = ("image", "s3", "url")
SWITCHES = ("smooth", "answer_anyway")
SETTINGS = ("model", "operating_point", "heatmap", *SWITCHES)


@dataclass(frozen=True)
class Link:
    """An image on a web server."""

    url: str


@dataclass(frozen=True)
class Question:
    """One image, the model that reads it, and the form of the answer; None means the model's default."""

    image: bytes | S3Object | Link
    model: str
    operating_point: str | None = None
    heatmap: Heatmap = "grid"
    smooth: bool = True
    answer_anyway: bool = False


@dataclass(frozen=True)
class Request:
    """The questions of one event; in a batch, an image with a bad field has its error in place of the question."""

    questions: tuple[Question | InputError, ...]
    batch: bool = False


def is_http(event: object) -> bool:
    """Return whether the event is an HTTP request (API Gateway or function URL), not a direct invocation."""
    return isinstance(event, dict) and "requestContext" in event


def parse(event: object) -> Request:
    """Return the questions in a direct invocation or an HTTP request.

    Raises:
        RequestError: its subclasses say what is wrong with the event.
    """
    if not isinstance(event, dict):
        raise RequestError('The event must be a JSON object such as {"image": ..., "model": ...}.')
    return _from_http(event) if is_http(event) else from_fields(event)


def _from_http(event: Mapping[str, Any]) -> Request:
    method = mapping(mapping(event["requestContext"]).get("http")).get("method") or event.get("httpMethod")
    if method != "POST":
        raise MethodError("Send the image with POST.")
    headers = {str(name).lower(): str(value) for name, value in mapping(event.get("headers")).items()}
    content_type = headers.get("content-type", "application/json").split(";")[0].strip().lower()
    is_image = content_type.startswith("image/") or content_type == "application/dicom"
    if not is_image and content_type != "application/json":
        raise ContentTypeError(
            f"The Content-Type {content_type[:80]!r} is not read: send application/json, image/* or application/dicom."
        )
    body, encoded = event.get("body"), event.get("isBase64Encoded") is True
    if not isinstance(body, str) or not body:
        raise RequestError("The request has no body: send an image, or JSON with one.")
    if not is_image:
        return from_fields(json_object(_base64(body, "The body") if encoded else body))
    if not encoded:
        raise RequestError(
            "The image arrived as text and is damaged: list its Content-Type in the API's binary media types, "
            "or send it in JSON as base64."
        )
    settings = dict(mapping(event.get("queryStringParameters")))
    for name in SWITCHES:
        if settings.get(name) in ("true", "false"):
            settings[name] = settings[name] == "true"
    _refuse_unknown(settings, SETTINGS)
    return Request((_question({**settings, "image": body}),))


def json_object(text: str | bytes) -> Mapping[str, Any]:
    """Return the object in a JSON text.

    Raises:
        RequestError: the text is not JSON, or its value is no object.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError("The body is not valid JSON.") from error
    if not isinstance(fields, dict):
        raise RequestError('The body must be a JSON object such as {"image": ..., "model": ...}.')
    return fields


def from_fields(fields: Mapping[str, Any]) -> Request:
    """Return the questions in the fields of a direct invocation.

    Raises:
        RequestError: a field is missing or wrong.
    """
    if "images" not in fields:
        return Request((_question(fields),))
    _refuse_unknown(fields, ("images", *SETTINGS))
    images = fields["images"]
    if not isinstance(images, list) or not images:
        raise RequestError("`images` must be a list of at least one image.")
    if len(images) > MAX_IMAGES:
        raise TooMuchError(f"{len(images)} images are too many for one request: send at most {MAX_IMAGES}.")
    settings = {name: fields[name] for name in SETTINGS if name in fields}
    return Request(tuple(_item(item, settings) for item in images), batch=True)


def _item(item: object, settings: Mapping[str, Any]) -> Question | InputError:
    try:
        if isinstance(item, str):
            item = {"image": item}
        if not isinstance(item, dict):
            raise RequestError("Each of `images` must be base64 text or an object with one of image, s3 or url.")
        return _question({**settings, **item})
    except RequestError as error:
        return error


def _question(fields: Mapping[str, Any]) -> Question:
    _refuse_unknown(fields, (*PLACES, *SETTINGS))
    places = [place for place in PLACES if fields.get(place) is not None]
    if len(places) != 1:
        found = "none of them" if not places else " and ".join(places)
        raise RequestError(f"Give one image as `image` (base64), `s3` or `url`; the request has {found}.")
    heatmap = fields.get("heatmap", "grid")
    if heatmap not in HEATMAPS:
        raise RequestError(f"`heatmap` must be one of {', '.join(HEATMAPS)}.")
    return Question(
        image=_image(places[0], fields),
        model=_optional_text(fields, "model") or "",
        operating_point=_optional_text(fields, "operating_point"),
        heatmap=heatmap,
        smooth=_switch(fields, "smooth", True),
        answer_anyway=_switch(fields, "answer_anyway", False),
    )


def _image(place: str, fields: Mapping[str, Any]) -> bytes | S3Object | Link:
    if place == "image":
        return _base64(_text(fields, "image"), "`image`")
    if place == "url":
        return Link(_text(fields, "url"))
    s3 = mapping(fields["s3"])
    if set(s3) != {"bucket", "key"}:
        raise RequestError('`s3` must be {"bucket": ..., "key": ...}.')
    return S3Object(_text(s3, "bucket"), _text(s3, "key"))


def _base64(text: str, what: str) -> bytes:
    """Return the bytes of base64 text; a data-URL prefix and line breaks are allowed."""
    if text.startswith("data:"):
        prefix, _, text = text.partition(",")
        if not prefix.endswith(";base64"):
            raise RequestError(f"{what} is a data URL without base64.")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise RequestError(f"{what} is not valid base64.") from error


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value:
        raise RequestError(f"`{name}` must be a text.")
    return value


def _optional_text(fields: Mapping[str, Any], name: str) -> str | None:
    return None if fields.get(name) in (None, "") else _text(fields, name)


def _switch(fields: Mapping[str, Any], name: str, default: bool) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise RequestError(f"`{name}` must be true or false.")
    return value


def _refuse_unknown(fields: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Refuse unknown fields: the answer would silently lack a misspelt setting."""
    unknown = [str(name)[:40] for name in fields if name not in known]
    if unknown:
        raise RequestError(f"The field {unknown[0]!r} is not known: use {', '.join(known)}.")


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}
