"""One page to take along: the answer with picture, evidence, legend, figures and what identifies all of it, as PDF."""

import io
import re
from datetime import datetime, timezone
from html import unescape

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from PIL import Image

from overread.heatmap_drawing import AGAINST_FINDING, FOR_FINDING
from overread.prediction import DISCLAIMER, Prediction
from ui import report_words
from ui.verdict import Context, percent

MARGIN, PICTURE = 15, 86  # mm
LEGEND_STEPS = 60


def report_pdf(prediction: Prediction, context: Context) -> bytes:
    """Return a PDF of one A4 page; text that the built-in fonts lack is written with a question mark."""
    config = context.config
    reading = prediction.reading
    pdf = FPDF(format="A4")
    pdf.set_margin(MARGIN)
    pdf.set_auto_page_break(False)
    pdf.set_title(f"Overread: {prediction.finding}")
    pdf.set_lang("en")
    pdf.add_page()
    _line(pdf, report_words.TITLE, 9)
    _line(pdf, f"{reading.text[:1].upper()}{reading.text[1:]}", 20, bold=True)
    finding = prediction.finding
    _line(pdf, report_words.PROBABILITY.format(finding=finding, percent=percent(prediction.probability)), 13)
    top = pdf.get_y() + 2
    said = report_words.PICTURE.format(digest=prediction.image_sha256[:12])
    _picture(pdf, prediction.picture, MARGIN, top, said)
    said = report_words.OVERLAY.format(finding=finding)
    _picture(pdf, prediction.overlay, 210 - MARGIN - PICTURE, top, said)
    pdf.set_y(top + _height(prediction.picture) + 3)
    _legend(pdf, report_words.legend(finding, config))
    for text in report_words.paragraphs(prediction, context):
        _line(pdf, text, 10)
    pdf.ln(2)
    for text in report_words.identity(prediction, f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M}"):
        _line(pdf, text, 8)
    pdf.ln(2)
    _line(pdf, DISCLAIMER, 11, bold=True)
    return bytes(pdf.output())


def _picture(pdf: FPDF, picture: Image.Image, x: float, y: float, alternative: str) -> None:
    """Place an image, at most ``PICTURE`` mm wide and high, without distorting it."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90, subsampling=0)
    pdf.image(buffer, x, y, PICTURE, _height(picture), keep_aspect_ratio=True, alt_text=alternative)


def _height(picture: Image.Image) -> float:
    """The height of an image on the page, in mm."""
    return PICTURE * min(1.0, picture.height / picture.width)


def _legend(pdf: FPDF, meaning: str) -> None:
    """The signed colour scale over white, with its meaning."""
    x, y, width = 210 - MARGIN - PICTURE, pdf.get_y(), PICTURE / LEGEND_STEPS
    for step in range(LEGEND_STEPS):
        share = 2 * (step + 0.5) / LEGEND_STEPS - 1
        colour = FOR_FINDING if share > 0 else AGAINST_FINDING
        pdf.set_fill_color(*(round(255 + (part - 255) * abs(share)) for part in colour))
        pdf.rect(x + step * width, y, width + 0.1, 4, style="F")
    pdf.set_y(y + 5)
    _line(pdf, meaning, 8, right=True)


def _line(pdf: FPDF, text: str, size: float, bold: bool = False, right: bool = False) -> None:
    pdf.set_font("Helvetica", "B" if bold else "", size)
    plain = unescape(re.sub(r"<[^>]+>", "", text)).encode("latin-1", "replace").decode("latin-1")
    pdf.multi_cell(0, size * 0.5, plain, align="R" if right else "L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
