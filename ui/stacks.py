"""The page's route for a stack: one picture of many, answered in short, in a lane of its own.

The page sends a stack picture by picture, so that the server keeps nothing of it between two requests: progress, Stop
and the table are the browser's, and a zip is opened there too. A stack never waits for single pictures or slides, nor
they for it.
"""

import base64
import io
import logging
from pathlib import Path
from typing import Any

from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from overread.classifier import Classifier
from overread.errors import InputError, RefusedImageError
from overread.images import decode
from overread.prediction import Prediction
from overread.service import Service
from overread.stack.outcome import Kind, answered, not_answered
from ui.failures import refusal
from ui.page_routes import number
from ui.turns import BUSY, Lane
from ui.verdict import percent

log = logging.getLogger("overread")

MAX_WAITING = 32  # stacks; each sends its next picture when one is answered
THUMBNAIL = 96  # pixels, for 48 on a screen with twice as many
UNNAMED = Path()  # what a visitor's file is called stays in the browser, which writes the tables


def stack_routes(service: Service) -> list[Route]:
    """Return the route ``/page/row``."""
    lane = Lane(1, MAX_WAITING, BUSY)

    async def row(request: Request) -> Response:
        data, query = await request.body(), request.query_params
        try:
            classifier = service.find(query.get("model") or query.get("domain", ""))
            mpp, squash = number(query.get("mpp", "")), "squash" in query
            return JSONResponse(await lane.run(lambda: table_row(classifier, data, mpp, squash)))
        except Exception as error:
            return refusal(error)

    return [Route("/page/row", row, methods=["POST"])]


def table_row(classifier: Classifier, data: bytes, mpp: float | None = None, squash: bool = False) -> dict[str, Any]:
    """Return a picture's row, whether it is answered or not.

    Returns:
        ``row`` by column of the shell's CSV, ``document`` as the shell's JSON, and what the table shows: ``kind``,
        ``tone`` (which of three answers), ``percent``, ``warnings``, ``notes``, ``thumbnail`` (a data URL or "").
    """
    kind: Kind
    try:
        prediction = classifier.predict(data, mpp=mpp, squash=squash)
    except RefusedImageError as error:
        kind, sentence = "refused", error.verdict.reason if error.verdict else str(error)
    except InputError as error:
        kind, sentence = "unreadable", str(error)
    else:
        return _answered(prediction)
    digest = ""
    thumbnail = ""
    try:
        image = decode(data)
        digest, thumbnail = image.sha256, thumbnail_url(image.picture)
    except InputError:
        log.debug("a picture of a stack cannot be shown")
    point = classifier.config.operating_point(None).name
    outcome = not_answered(UNNAMED, kind, sentence, digest, classifier.identity, point)
    shown = {"kind": kind, "tone": "", "percent": "", "warnings": [sentence], "notes": [], "thumbnail": thumbnail}
    return {"row": dict(outcome.row), "document": dict(outcome.document), **shown}


def _answered(prediction: Prediction) -> dict[str, Any]:
    outcome = answered(UNNAMED, prediction, grid=False)
    warning = prediction.guard.warning if prediction.guard else ""
    warnings = [*([warning] if warning else []), *(["The members disagree."] if prediction.members_disagree else [])]
    return {
        "row": dict(outcome.row),
        "document": dict(outcome.document),
        "kind": outcome.kind,
        "tone": prediction.reading.answer.replace(" ", "-"),
        "percent": percent(prediction.probability),
        "warnings": warnings,
        "notes": [note for note in prediction.notes if note != warning],
        "thumbnail": thumbnail_url(prediction.drawing.image),
    }


def thumbnail_url(picture: Image.Image) -> str:
    """Return the picture, at most 96 px a side, as a data URL."""
    small = picture.convert("RGB")
    small.thumbnail((THUMBNAIL, THUMBNAIL), reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
