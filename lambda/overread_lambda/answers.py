"""The function's answers as JSON, the same for every kind of caller.

    one image    Prediction.to_json(); heatmap "png" adds "overlay_png_base64", "none" leaves out heatmap.values
    a batch      {"predictions": [one of those, or {"error": ...}, in the order of the images]}
    an error     {"error": {"status": 400, "type": "CorruptImageError", "message": one sentence}, "request_id": ...}
    a refusal    the same with status 422, type RefusedImageError and the guard's verdict as "guard"

A direct invocation gets this object; an HTTP caller gets it as the body, with the status.
"""

import base64
import io
import json
from typing import Any

from overread.errors import InputError, RefusedImageError
from overread.prediction import Prediction
from overread_lambda.events import Heatmap
from overread_lambda.request_errors import S3UnavailableError, TooMuchError, status_of

# Lambda replaces an answer over 6 MB (6,291,556 bytes) by an error. An HTTP body is JSON inside JSON, which adds a
# backslash per quotation mark: less than a tenth of an answer.
MAX_ANSWER_BYTES = 5_500_000
Json = dict[str, Any]


def prediction_json(prediction: Prediction, heatmap: Heatmap) -> Json:
    """Return one answer as a dict that ``json.dumps`` takes."""
    answer = prediction.to_json()
    if heatmap == "none":
        del answer["heatmap"]["values"]
    if heatmap == "png":
        file = io.BytesIO()
        prediction.overlay.save(file, "PNG")
        answer["overlay_png_base64"] = base64.b64encode(file.getvalue()).decode("ascii")
    return answer


def error_json(error: Exception) -> Json:
    """Return ``{"error": {"status", "type", "message"}}``; for a fault of the function the cause is left out.

    The error of a refused image also has the guard's verdict, as ``guard``.
    """
    if not isinstance(error, (InputError, S3UnavailableError)):
        return {"error": {"status": 500, "type": "InternalError", "message": "Something went wrong on our side."}}
    verdict = error.verdict if isinstance(error, RefusedImageError) else None
    guard = {"guard": verdict.to_json()} if verdict else {}
    return {"error": {"status": status_of(error), "type": type(error).__name__, "message": str(error), **guard}}


def batch_json(answers: list[Json]) -> Json:
    """Return ``{"predictions": answers}``, with an error in place of each answer beyond Lambda's limit of 6 MB."""
    room = MAX_ANSWER_BYTES
    fitting: list[Json] = []
    for answer in answers:
        size = len(json.dumps(answer))
        if size > room:
            answer = error_json(
                TooMuchError(
                    "The answers are longer than Lambda's limit of 6 MB: send fewer images, or ask for heatmap 'grid'."
                )
            )
        else:
            room -= size
        fitting.append(answer)
    return {"predictions": fitting}


def http_response(status: int, body: Json) -> Json:
    """Return the form that API Gateway (payload 1.0 and 2.0) and a function URL turn into an HTTP response."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if status == 405:
        headers["Allow"] = "POST"
    return {"statusCode": status, "headers": headers, "isBase64Encoded": False, "body": json.dumps(body)}
