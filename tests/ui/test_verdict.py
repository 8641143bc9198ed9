import dataclasses
import re
from typing import Any

import pytest
from PIL import Image

from overread.classifier import Classifier
from overread.guard import Verdict
from overread.lungs import Lungs
from overread.prediction import Prediction
from overread.reading import members_disagree, read
from ui.answer_counts import answer_counts, wilson
from ui.details import details_html, forced_decisions_html
from ui.domains import DOMAINS
from ui.examples import examples
from ui.verdict import Context, bar_position, percent, spoken, verdict_html

RATES = {
    "sensitivity": {"value": 0.8, "low": 0.7, "high": 0.9},
    "specificity": {"value": 0.5, "low": 0.4, "high": 0.6},
}
# 100 images with the finding and 50 without; the tiny model's thresholds are 0.2, 0.5 and 0.99.
TEST: dict[str, Any] = {
    "images": 150,
    "positives": 100,
    "operating_points": {
        "screening": {
            "threshold": 0.2,
            "true_positive": 97,
            "false_negative": 3,
            "true_negative": 27,
            "false_positive": 23,
            **RATES,
        },
        "balanced": {
            "threshold": 0.5,
            "true_positive": 90,
            "false_negative": 10,
            "true_negative": 40,
            "false_positive": 10,
            **RATES,
        },
        "rule-in": {
            "threshold": 0.99,
            "true_positive": 60,
            "false_negative": 40,
            "true_negative": 48,
            "false_positive": 2,
            **RATES,
        },
    },
}


def card(tiny: Classifier, colour: Any, test: Any = None, **changes: Any) -> str:
    answer = changed(tiny.predict(Image.new("RGB", (96, 96), colour)), tiny, **changes)
    return verdict_html(answer, Context(tiny.config, DOMAINS["chest-xray"], test))


def changed(answer: Prediction, tiny: Classifier, **changes: Any) -> Prediction:
    """Return the answer with other values, and with what follows from them."""
    answer = dataclasses.replace(answer, **changes)
    points = tiny.config.operating_points
    return dataclasses.replace(
        answer,
        reading=read(answer.probability, answer.finding, points),
        members_disagree=members_disagree(answer.members, points["balanced"].threshold),
    )


@pytest.mark.parametrize(
    ("colour", "probability", "text", "kind"),
    [
        ("blue", 0.01, "No sign of redness", "negative"),
        ("red", 0.6, "Can&#x27;t tell", "cannot-tell"),
        ("red", 0.995, "Redness", "positive"),
    ],
)
def test_the_card_gives_one_of_three_answers(
    tiny: Classifier, colour: str, probability: float, text: str, kind: str
) -> None:
    html = card(tiny, colour, probability=probability)
    assert f'<h2 class="decision">{text}</h2>' in html
    assert f'class="verdict {kind}"' in html
    assert percent(probability) in html and "not a medical device" in html


def test_the_probability_is_never_rounded_to_certainty() -> None:
    assert [percent(value) for value in (0.0, 0.004, 0.5, 0.9949, 1.0)] == [
        "under 1 %",
        "under 1 %",
        "50 %",
        "over 99 %",
        "over 99 %",
    ]


def test_each_zone_takes_a_third_of_the_bar(tiny: Classifier) -> None:
    positions = [bar_position(value, tiny.config) for value in (0.0, 0.1, 0.2, 0.595, 0.99, 1.0)]
    assert positions == pytest.approx([0, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 1])


def test_members_are_dots_and_disagreement_is_a_badge(tiny: Classifier) -> None:
    together = card(tiny, "red", members={"one": 0.9, "two": 0.8})
    apart = card(tiny, "red", members={"one": 0.9, "two": 0.1})
    assert together.count('class="dot"') == apart.count('class="dot"') == 2
    assert "members disagree" in apart and "members disagree" not in together
    assert "one 90 %, two 10 %" in apart


def test_an_answer_near_a_threshold_is_borderline(tiny: Classifier) -> None:
    near, far = card(tiny, "red", log_odds=-1.3), card(tiny, "red", log_odds=0.5)  # log(0.2 / 0.8) = -1.39
    assert "borderline" in near and "borderline" not in far


@pytest.mark.parametrize(
    ("probability", "sentence"),
    [
        (0.01, "<b>90</b> (74 to 97) had no redness"),  # 27 of 30
        (0.6, "<b>64</b> (51 to 75) had redness"),  # 37 of 58
        (0.995, "<b>97</b> (89 to 99) had redness"),  # 60 of 62
    ],
)
def test_what_an_answer_was_worth_is_a_natural_frequency(tiny: Classifier, probability: float, sentence: str) -> None:
    assert sentence in card(tiny, "red", TEST, probability=probability)


def test_the_counts_of_the_three_answers_are_all_test_images(tiny: Classifier) -> None:
    counts = answer_counts(TEST, tiny.config.operating_points)
    assert sum(one.with_finding for one in counts.values()) == 100
    assert sum(one.without for one in counts.values()) == 50


def test_figures_at_other_thresholds_are_not_shown(tiny: Classifier) -> None:
    moved = {
        name: values | {"threshold": values["threshold"] + 0.01} for name, values in TEST["operating_points"].items()
    }
    html = card(tiny, "red", TEST | {"operating_points": moved}, probability=0.6)
    assert "no test figures" in html and "had redness" not in html


def test_the_interval_is_that_of_wilson() -> None:
    # statsmodels.stats.proportion.proportion_confint(27, 30, method="wilson")
    assert wilson(27, 30) == pytest.approx((0.743789, 0.965402), abs=1e-5)


def test_a_map_that_speaks_against_the_answer_is_pointed_out(tiny: Classifier) -> None:
    answer = tiny.predict(Image.new("RGB", (96, 96), "blue"))
    against = changed(answer, tiny, probability=0.995, log_odds=5.3)
    context = Context(tiny.config, DOMAINS["chest-xray"], None)
    assert "speaks <b>against</b> redness" in verdict_html(against, context)
    assert "The picture itself speaks" not in verdict_html(answer, context)


def test_notes_are_escaped(tiny: Classifier) -> None:
    assert "&lt;b&gt;x" in card(tiny, "red", notes=("<b>x</b>",))


def test_the_guards_warning_stands_out(tiny: Classifier) -> None:
    guard = Verdict("unfamiliar", "tinted", "The image is tinted.")
    html = card(tiny, "red", guard=guard, notes=(guard.warning, "another note"))
    assert html.count('class="note warning"') == 1 and "The image is tinted." in html


@pytest.mark.parametrize(
    ("lungs", "sentence"),
    [
        (Lungs(0.33, 0.77, ()), "77 % of the evidence lies in the lungs, which fill 33 % of the picture."),
        (Lungs(0.02, None, ()), "No lungs were found in this picture."),
    ],
)
def test_the_card_says_how_much_evidence_lies_in_the_lungs_or_that_there_are_none(
    tiny: Classifier, lungs: Lungs, sentence: str
) -> None:
    assert f'<p class="lungs-share">{sentence}</p>' in card(tiny, "red", lungs=lungs)


def test_the_true_label_of_an_example_is_on_the_card_and_its_source_in_the_details(tiny: Classifier) -> None:
    answer = tiny.predict(Image.new("RGB", (96, 96)))
    example = examples("chest-xray")[0]
    html = verdict_html(answer, Context(tiny.config, DOMAINS["chest-xray"], None, example))
    assert f"The label says: <b>{example.label}</b>" in html
    assert example.licence in details_html(answer, example)
    assert "The label says" not in card(tiny, "red")


def test_every_operating_point_has_its_forced_decision_and_test_figures(tiny: Classifier) -> None:
    answer = dataclasses.replace(tiny.predict(Image.new("RGB", (96, 96))), probability=0.6)
    html = forced_decisions_html(answer, tiny.config, TEST)
    assert re.findall(r"<b>(.*?)</b>", html) == ["not ruled out", "red", "not ruled in"]
    assert html.count("80 % <small>(70 to 90)</small>") == 3 and html.count('data-sensitivity="0.8"') == 3


def test_the_evidence_that_is_shown_adds_up(tiny: Classifier) -> None:
    html = details_html(tiny.predict(Image.new("RGB", (96, 96), (200, 10, 190))), None)
    text = re.search(r"Evidence in log-odds</dt><dd>(.*?)</dd>", html, re.S)
    assert text
    *parts, total = map(float, re.findall(r"[+-]\d+\.\d+", text[1]))
    assert sum(parts) == pytest.approx(total, abs=0.02)


def test_the_answer_is_one_sentence_for_a_screen_reader(tiny: Classifier) -> None:
    answer = changed(tiny.predict(Image.new("RGB", (96, 96), "red")), tiny, probability=0.6)
    assert spoken(answer).startswith("Can't tell: probability of redness 60 %.")
