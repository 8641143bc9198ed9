"""From predictions and errors to the JSON that goes back, the same for every kind of caller.

    one picture    Prediction.to_json(); heatmap "png" adds "overlay_png_base64", "none" leaves out heatmap.values
    a batch        {"predictions": [one of those, or {"error": ...}, in the order of the pictures]}
    an error       {"error": {"status": 400, "type": "CorruptImageError", "message": one sentence}, "request_id": ...}

A direct invocation gets this object itself; an HTTP caller gets it as the body, with the status.
"""

import base64
import io
import json
from typing import Any

from overread.errors import InputError
from overread.prediction import Prediction
from overread_lambda.events import Heatmap
from overread_lambda.request_errors import TooMuchError, status_of

# Lambda ends an answer over 6 MB (6,291,556 bytes) with an error of its own. As an HTTP body the JSON is quoted once
# more, which adds a backslash per quotation mark: less than a tenth of an answer.
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
    """Return ``{"error": {"status", "type", "message"}}``; what is our own fault is told without its cause."""
    status = status_of(error)
    if status >= 500 or not isinstance(error, InputError):
        return {"error": {"status": 500, "type": "InternalError", "message": "Something went wrong on our side."}}
    return {"error": {"status": status, "type": type(error).__name__, "message": str(error)}}


def batch_json(answers: list[Json]) -> Json:
    """Return ``{"predictions": answers}``, with an error in place of each that no longer fits into Lambda's 6 MB."""
    room = MAX_ANSWER_BYTES
    kept: list[Json] = []
    for answer in answers:
        size = len(json.dumps(answer))
        if size > room:
            answer = error_json(
                TooMuchError("The answers pass Lambda's limit of 6 MB: send fewer pictures, or ask for heatmap 'grid'.")
            )
        else:
            room -= size
        kept.append(answer)
    return {"predictions": kept}


def http_response(status: int, body: Json) -> Json:
    """Return what API Gateway (payload 1.0 and 2.0) and a function URL turn into an HTTP response."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if status == 405:
        headers["Allow"] = "POST"
    return {"statusCode": status, "headers": headers, "isBase64Encoded": False, "body": json.dumps(body)}
