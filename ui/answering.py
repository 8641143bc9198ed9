"""Answers for the page: what it draws from, the same image with cells covered, and the report, as JSON-ready dicts."""

import base64
import io
from typing import Any

from PIL import Image

from overread.catalogue import Domain
from overread.classifier import Classifier
from overread.errors import InputError
from overread.grey_values import GreyValues
from overread.heatmap_drawing import display_size
from overread.images import decode, grey_values, has_deep_grey
from overread.prediction import Prediction
from overread.probability import sigmoid
from overread.reported_figures import on_test_split
from overread.service import Service
from ui.cover_and_ask import cells_from_hex, cover, quietest_cells
from ui.details import details_html, forced_decisions_html
from ui.domains import DOMAINS
from ui.examples import example_of
from ui.verdict import Context, bar_position, percent, spoken, verdict_html

LOSSLESS_SIDE = 256  # pixels: smaller images are sent as PNG at their own size, and the page enlarges them
JPEG_QUALITY = 92


class Answering:
    """Answers the page's requests with loaded models; safe to use from several threads."""

    def __init__(self, service: Service) -> None:
        """Read what each model reached on its test split."""
        self._service = service
        self._test = {name: on_test_split(name) for domain in DOMAINS for name in service.names(domain)}

    def answer(
        self,
        data: bytes,
        domain: Domain,
        model: str,
        anyway: bool = False,
        mpp: float | None = None,
        squash: bool = False,
    ) -> dict[str, Any]:
        """Return the JSON answer of the API with the card, the folded parts and the image as the model read it.

        Args:
            data: the image file.
            domain: the tab.
            model: which model answers; empty: the default.
            anyway: answer also what the guard refuses.
            mpp: um/px; default: what the file says.
            squash: take the whole image for one patch.
        """
        classifier = self._service.classifier(domain, model)
        prediction = classifier.predict(data, answer_anyway=anyway, mpp=mpp, squash=squash)
        config, context = classifier.config, self._context(classifier, domain, prediction)
        region = config.region
        return {
            "answer": prediction.to_json(),
            "card": verdict_html(prediction, context),
            "forced": forced_decisions_html(prediction, config, context.test),
            "details": details_html(prediction, context.example),
            "spoken": spoken(prediction),
            "reading": prediction.reading.text,
            "percent": percent(prediction.probability),
            "position": bar_position(prediction.probability, config),
            "picture": picture_url(prediction.drawing.image),
            "scale": config.heatmap.scale,
            "deep": has_deep_grey(data),
            "box": region.labelled_centre_px / region.patch_px if region else None,
        }

    def cover(
        self, data: bytes, domain: Domain, model: str, cells: str, mpp: float | None = None, squash: bool = False
    ) -> dict[str, Any]:
        """Return the probability before and after covering cells, and after covering as many of least evidence.

        The guard judges the image as it was sent, whose warning the answer carries; what is covered is not judged.

        Args:
            data: the image file.
            domain: the tab.
            model: which model answers; empty: the default.
            cells: see ``ui.cover_and_ask.cells_from_hex``.
            mpp: see ``answer``.
            squash: likewise.
        """
        classifier = self._service.classifier(domain, model)
        picture, verdict = classifier.as_read(data, True, mpp, squash)
        before = classifier.evidence([picture])
        heatmap = before.heatmap[0]
        chosen = cells_from_hex(cells, heatmap.shape)
        picture = picture.convert("RGB")
        covered = cover(picture, chosen)
        after = classifier.evidence([covered, cover(picture, quietest_cells(heatmap, chosen))])
        asked, second, elsewhere = before.log_odds[0], *after.log_odds
        return {
            "cells": int(chosen.sum()),
            "of": chosen.size,
            "before": float(sigmoid(asked)),
            "after": float(sigmoid(second)),
            "elsewhere": float(sigmoid(elsewhere)),
            "sentence": f"{chosen.sum()} of {chosen.size} cells covered: {_change(asked, second)}. "
            f"With as many cells covered where the map shows least: {_change(asked, elsewhere)}.",
            "warning": verdict.warning if verdict else "",
            "picture": picture_url(covered),
            "heatmap": after.heatmap[0].astype(float).round(6).tolist(),
            "scale": classifier.config.heatmap.scale,
        }

    def report(
        self,
        data: bytes,
        domain: Domain,
        model: str,
        point: str,
        anyway: bool = False,
        mpp: float | None = None,
        squash: bool = False,
    ) -> bytes:
        """Return the answer as a PDF of one page."""
        from ui.pdf_report import report_pdf  # imported here, since its package takes memory that few visitors need

        classifier = self._service.classifier(domain, model)
        prediction = classifier.predict(data, point or None, answer_anyway=anyway, mpp=mpp, squash=squash)
        return report_pdf(prediction, self._context(classifier, domain, prediction))

    def grey_values(self, data: bytes) -> GreyValues:
        """Return the grey values of a DICOM or 16-bit film, at the size of the page's picture; see ``GreyValues``."""
        found = grey_values(data)
        height, width = found.values.shape
        return found.resized(display_size((width, height)))

    def _context(self, classifier: Classifier, domain: Domain, prediction: Prediction) -> Context:
        test = self._test[classifier.identity.name]
        return Context(classifier.config, DOMAINS[domain], test, example_of(prediction.image_sha256))


def picture_of(data: bytes) -> str:
    """Return the picture in a file that gets no answer, as a data URL; "" where it cannot be read."""
    try:
        return picture_url(decode(data, keep_grey=True).picture)
    except InputError:
        return ""


def _change(before: float, after: float) -> str:
    """Both answers in words; log-odds too, since a probability near its end hardly moves."""
    first, second = (percent(float(sigmoid(value))) for value in (before, after))
    return f"{first} becomes {second} (log-odds {before:+.1f} to {after:+.1f})"


def picture_url(picture: Image.Image) -> str:
    """Return the image, in RGB or L, as a data URL, at most 1,024 px wide and high."""
    buffer = io.BytesIO()
    if max(picture.size) <= LOSSLESS_SIDE:
        picture.save(buffer, "PNG", compress_level=1)
        kind = "png"
    else:
        size = display_size(picture.size)
        shown = picture if size == picture.size else picture.resize(size, reducing_gap=2.0)
        shown.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
