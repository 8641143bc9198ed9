import dataclasses
import re

import pytest
from PIL import Image

from overread.classifier import Classifier
from ui.examples import examples
from ui.verdict import legend_html, verdict_html


@pytest.mark.parametrize(("colour", "decision"), [("red", "red"), ("blue", "clear")])
def test_the_card_says_what_was_answered(tiny: Classifier, colour: str, decision: str) -> None:
    answer = tiny.predict(Image.new("RGB", (96, 96), colour))
    html = verdict_html(answer, tiny.config, None)
    assert f'<span class="decision">{decision}</span>' in html
    assert f"{100 * answer.probability:.1f} %" in html
    assert ("reaches" in html) == answer.positive
    assert "not a medical device" in html
    assert f"tiny, revision local, file {answer.model.sha256[:12]}" in html


def test_every_operating_point_is_a_tick_and_the_chosen_one_stands_out(tiny: Classifier) -> None:
    html = verdict_html(tiny.predict(Image.new("RGB", (96, 96)), "rule-in"), tiny.config, None)
    assert len(re.findall(r'class="tick', html)) == 3
    assert re.findall(r'class="tick chosen" style="left:([\d.]+)%"', html) == ["99.00"]


def test_the_evidence_that_is_shown_adds_up(tiny: Classifier) -> None:
    html = verdict_html(tiny.predict(Image.new("RGB", (96, 96), (200, 10, 190))), tiny.config, None)
    text = re.search(r'class="sum">(.*?)</p>', html, re.S)
    assert text
    *parts, total = map(float, re.findall(r"[+-]\d+\.\d+", text[1]))
    assert sum(parts) == pytest.approx(total, abs=0.02)


def test_notes_are_escaped(tiny: Classifier) -> None:
    answer = dataclasses.replace(tiny.predict(Image.new("RGB", (96, 96))), notes=("<b>x</b>",))
    assert "&lt;b&gt;x" in verdict_html(answer, tiny.config, None)


def test_the_true_label_of_an_example_is_shown_with_its_source(tiny: Classifier) -> None:
    answer = tiny.predict(Image.new("RGB", (96, 96)))
    example = examples("chest-xray")[0]
    html = verdict_html(answer, tiny.config, None, example)
    assert f"The label says: <b>{example.label}</b>" in html and example.licence in html
    assert "The label says" not in verdict_html(answer, tiny.config, None)


def test_the_legend_gives_the_scale_in_log_odds(tiny: Classifier) -> None:
    assert "0.01 log-odds in one cell" in legend_html(tiny.config)


def test_test_figures_come_before_those_of_the_data_the_threshold_was_chosen_on(tiny: Classifier) -> None:
    rates = {
        "sensitivity": {"value": 0.8, "low": 0.7, "high": 0.9},
        "specificity": {"value": 0.5, "low": 0.4, "high": 0.6},
    }
    test = {"images": 321, "operating_points": {"balanced": rates}}
    html = verdict_html(tiny.predict(Image.new("RGB", (96, 96))), tiny.config, test)
    assert "On 321 test pictures it found <b>80 %</b> (70 to 90)" in html
    assert "cleared <b>50 %</b> (40 to 60)" in html
    assert "on the validation data it was chosen on, 90 % and 90 %" in html
