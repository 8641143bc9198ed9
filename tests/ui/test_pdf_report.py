import dataclasses
import re
import zlib

import pytest
from PIL import Image

from overread.classifier import Classifier
from overread.prediction import DISCLAIMER
from tests.ui.test_verdict import TEST
from ui.domains import DOMAINS
from ui.examples import examples
from ui.pdf_report import report_pdf
from ui.verdict import Context


def text_of(pdf: bytes) -> str:
    """Return the text of a PDF that uses the built-in fonts, without line breaks."""
    content = b"".join(zlib.decompress(found) for found in re.findall(rb"stream\r?\n(x\x9c.*?)endstream", pdf, re.S))
    shown = re.findall(rb"\((.*?)(?<!\\)\) Tj", content, re.S)
    return re.sub(r"\\([()])", r"\1", b" ".join(shown).decode("latin-1"))


@pytest.mark.parametrize("size", [(96, 96), (300, 200), (200, 300)])
def test_the_report_is_one_page_with_figures_digests_and_disclaimer(tiny: Classifier, size: tuple[int, int]) -> None:
    answer = tiny.predict(Image.new("RGB", size, "red"), "rule-in")
    answer = dataclasses.replace(answer, notes=("A note with µ and ≥.",))
    example = examples("chest-xray")[0]
    pdf = report_pdf(answer, Context(tiny.config, DOMAINS["chest-xray"], TEST, example))
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    text = text_of(pdf)
    for part in (
        answer.image_sha256,
        answer.model.sha256,
        DISCLAIMER,
        f"The label says: {example.label}.",
        "Of 100 test films with this answer",
        "at the rule-in threshold of 99.0 %",
        f"= {answer.log_odds:+.2f}",
        "A note with µ and ?.",
    ):
        assert part in text, part
