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
from overread.reading import decide
from ui.answer_counts import answer_counts, wilson
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
    _line(pdf, "Overread: a second reading, with its evidence", 9)
    _line(pdf, f"{reading.text[:1].upper()}{reading.text[1:]}", 20, bold=True)
    _line(pdf, f"Probability of {prediction.finding}: {percent(prediction.probability)}", 13)
    top = pdf.get_y() + 2
    _picture(pdf, prediction.picture, MARGIN, top, f"The image that was read: {prediction.image_sha256[:12]}")
    said = f"The same with the evidence for and against {prediction.finding} over it"
    _picture(pdf, prediction.overlay, 210 - MARGIN - PICTURE, top, said)
    pdf.set_y(top + _height(prediction.picture) + 3)
    _legend(pdf, prediction.finding, config.heatmap.scale)
    for text in _paragraphs(prediction, context):
        _line(pdf, text, 10)
    pdf.ln(2)
    for text in _identity(prediction):
        _line(pdf, text, 8)
    pdf.ln(2)
    _line(pdf, DISCLAIMER, 11, bold=True)
    return bytes(pdf.output())


def _paragraphs(prediction: Prediction, context: Context) -> list[str]:
    """The figures behind the answer, in words."""
    config, finding, images = context.config, prediction.finding, context.words.images
    reading, texts = prediction.reading, []
    counts = answer_counts(context.test, config.operating_points).get(reading.answer)
    if counts and counts.answered:
        hits = counts.without if reading.answer == "negative" else counts.with_finding
        low, high = wilson(hits, counts.answered)
        total = counts.all_with_finding + counts.all_without
        had = "had no" if reading.answer == "negative" else "had"
        texts.append(
            f"Of 100 test {images} with this answer, {100 * hits / counts.answered:.0f} ({100 * low:.0f} to "
            f"{100 * high:.0f}) {had} {finding}; {counts.all_with_finding} of the {total} test {images} had it."
        )
    if prediction.members:
        members = ", ".join(f"{name} {percent(value)}" for name, value in prediction.members.items())
        texts.append(f"Members of the ensemble, each on its own: {members}.")
    cells, point = prediction.heatmap, prediction.operating_point
    texts.append(
        f"Evidence in log-odds: {float(cells[cells > 0].sum()):+.2f} for, {float(cells[cells < 0].sum()):+.2f} "
        f"against, {prediction.heatmap_bias:+.2f} from no place = {prediction.log_odds:+.2f}."
    )
    forced = decide(prediction.probability, point, config.labels, config.operating_points)
    texts.append(f"Forced decision at the {point.name} threshold of {100 * point.threshold:.1f} %: {forced}.")
    if context.example:
        texts.append(f"The label says: {context.example.label}. {context.example.source}.")
    return [*texts, *prediction.notes]


def _identity(prediction: Prediction) -> list[str]:
    """What identifies image, model and time."""
    model = prediction.model
    return [
        f"Image: SHA-256 {prediction.image_sha256} (of the {prediction.image_sha256_of})",
        f"Model: {model.name}, revision {model.revision}, {model.source}",
        f"Model file: SHA-256 {model.sha256}",
        f"Made {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
    ]


def _picture(pdf: FPDF, picture: Image.Image, x: float, y: float, alternative: str) -> None:
    """Place an image, at most ``PICTURE`` mm wide and high, without distorting it."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90, subsampling=0)
    pdf.image(buffer, x, y, PICTURE, _height(picture), keep_aspect_ratio=True, alt_text=alternative)


def _height(picture: Image.Image) -> float:
    """The height of an image on the page, in mm."""
    return PICTURE * min(1.0, picture.height / picture.width)


def _legend(pdf: FPDF, finding: str, scale: float) -> None:
    """The signed colour scale over white, with its meaning."""
    x, y, width = 210 - MARGIN - PICTURE, pdf.get_y(), PICTURE / LEGEND_STEPS
    for step in range(LEGEND_STEPS):
        share = 2 * (step + 0.5) / LEGEND_STEPS - 1
        colour = FOR_FINDING if share > 0 else AGAINST_FINDING
        pdf.set_fill_color(*(round(255 + (part - 255) * abs(share)) for part in colour))
        pdf.rect(x + step * width, y, width + 0.1, 4, style="F")
    pdf.set_y(y + 5)
    _line(
        pdf, f"teal: against {finding}, orange: for it; full colour is {scale:.2f} log-odds in one cell", 8, right=True
    )


def _line(pdf: FPDF, text: str, size: float, bold: bool = False, right: bool = False) -> None:
    pdf.set_font("Helvetica", "B" if bold else "", size)
    plain = unescape(re.sub(r"<[^>]+>", "", text)).encode("latin-1", "replace").decode("latin-1")
    pdf.multi_cell(0, size * 0.5, plain, align="R" if right else "L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
