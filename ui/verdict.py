"""A prediction as the card that a visitor reads first: one of three answers, and what it was worth on test data."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from math import log
from typing import Any

from overread.domain_text import DomainText
from overread.lungs import Lungs
from overread.model_folder import ModelConfig
from overread.prediction import DISCLAIMER, Prediction
from overread.reading import CANNOT_TELL, RULE_IN, SCREENING, Answer, Reading
from ui.answer_counts import AnswerCounts, answer_counts, wilson
from ui.examples import Example

# Log-odds by which resizing or recompressing a film may move an answer: nearer to a threshold than that is borderline.
BORDERLINE = 0.3
ZONES: tuple[Answer, ...] = ("negative", "cannot tell", "positive")
ZONE_NAMES = ("no sign", CANNOT_TELL, "finding")
MEMBERS_DISAGREE = "members disagree"
NEAR_A_THRESHOLD = "borderline: a small change of the image can change this answer"
# Where the cells together speak one way and the answer goes the other.
AGAINST_THE_MAP = (
    "The picture itself speaks <b>{way}</b> {finding} ({cells:+.2f} in log-odds over all places); the starting point "
    "of the model ({bias:+.2f}) decides."
)


@dataclass(frozen=True)
class Context:
    """What the card needs beside the prediction.

    Attributes:
        config: of the model that answered.
        words: the domain's.
        test: the model's results on its test split, see ``overread.reported_figures.on_test_split``.
        example: the example that was answered, whose true label is shown; None for a visitor's own image.
    """

    config: ModelConfig
    words: DomainText
    test: Mapping[str, Any] | None
    example: Example | None = None


def verdict_html(prediction: Prediction, context: Context) -> str:
    """Return the card: answer, bar with three zones, test figures in natural frequencies, how to read it, notes."""
    reading = prediction.reading
    counts = answer_counts(context.test, context.config.operating_points).get(reading.answer)
    parts = [
        _headline(prediction, reading),
        _badges(prediction, context.config),
        zone_bar(prediction, context.config),
        frequency_html(counts, reading, prediction.finding, context.words),
        plain_words_html(reading, prediction.finding, context.words),
        _map_against_verdict(prediction, reading),
        lungs_share_html(prediction.lungs),
        _label(context.example),
        *_notes(prediction),
        f'<p class="disclaimer">{DISCLAIMER}</p>',
    ]
    return f'<div class="verdict {reading.answer.replace(" ", "-")}" {_shares(counts)}>{"".join(parts)}</div>'


def spoken(prediction: Prediction) -> str:
    """Return the answer as one sentence, for a screen reader and as the text alternative of the evidence."""
    reading, cells = prediction.reading, prediction.heatmap
    return (
        f"{_first_upper(reading.text)}: probability of {prediction.finding} {percent(prediction.probability)}. "
        f"Evidence in log-odds: {float(cells[cells > 0].sum()):+.1f} for, {float(cells[cells < 0].sum()):+.1f} against."
    )


def percent(probability: float) -> str:
    """Return a probability for people; the ends of the scale are never rounded to certainty."""
    if probability < 0.01:
        return "under 1 %"
    return "over 99 %" if probability > 0.99 else f"{100 * probability:.0f} %"


def bar_position(probability: float, config: ModelConfig) -> float:
    """Return where on the bar a probability lies, 0 to 1: each zone takes a third, and is linear inside."""
    low, high = (config.operating_points[name].threshold for name in (SCREENING, RULE_IN))
    edges = (0.0, low, high, 1.0)
    zone = 0 if probability < low else 2 if probability >= high else 1
    width = edges[zone + 1] - edges[zone] or 1.0
    return (zone + (probability - edges[zone]) / width) / 3


def _headline(prediction: Prediction, reading: Reading) -> str:
    return (
        f'<div class="headline"><h2 class="decision">{escape(_first_upper(reading.text))}</h2>'
        f'<p class="probability"><b>{percent(prediction.probability)}</b> <small>probability</small></p></div>'
    )


def _badges(prediction: Prediction, config: ModelConfig) -> str:
    """One row, there even when empty, so that the card keeps its height."""
    badges = []
    if prediction.members_disagree:
        badges.append(MEMBERS_DISAGREE)
    if any(
        abs(prediction.log_odds - _logit(config.operating_points[name].threshold)) < BORDERLINE
        for name in (SCREENING, RULE_IN)
    ):
        badges.append(NEAR_A_THRESHOLD)
    return '<p class="badges">' + "".join(f'<span class="badge">{badge}</span>' for badge in badges) + "</p>"


def zone_bar(prediction: Prediction, config: ModelConfig) -> str:
    """Return the bar: three named zones, their thresholds as ticks, the answer as a mark, members as dots."""
    low, high = (config.operating_points[name].threshold for name in (SCREENING, RULE_IN))
    zones = "".join(
        f'<span class="zone {answer.replace(" ", "-")}">{escape(name)}</span>'
        for answer, name in zip(ZONES, ZONE_NAMES, strict=True)
    )
    dots = "".join(
        f'<span class="dot" style="left:{_left(value, config)}" title="{escape(name)}: {percent(value)}"></span>'
        for name, value in prediction.members.items()
    )
    mark = f'<span class="mark" style="left:{_left(prediction.probability, config)}"></span>'
    members = ", ".join(f"{name} {percent(value)}" for name, value in prediction.members.items())
    said = f"{percent(prediction.probability)} on a scale with thresholds at {percent(low)} and {percent(high)}"
    return (
        f'<div class="zones" role="img" aria-label="{escape(said + (f"; members: {members}" if members else ""))}">'
        f"{zones}{dots}{mark}</div>"
        f'<div class="ticks" aria-hidden="true"><span>0 %</span><span style="left:33.33%">{percent(low)}</span>'
        f'<span style="left:66.67%">{percent(high)}</span><span>100 %</span></div>'
    )


def frequency_html(counts: AnswerCounts | None, reading: Reading, finding: str, words: DomainText) -> str:
    """Return what an answer was worth on test images, in natural frequencies."""
    if counts is None or counts.answered == 0:
        return '<p class="frequency">There are no test figures for this answer at these thresholds.</p>'
    total = counts.all_with_finding + counts.all_without
    positive = reading.answer != "negative"
    hits = counts.with_finding if positive else counts.without
    low, high = wilson(hits, counts.answered)
    had = f"had {finding}" if positive else f"had no {finding}"
    return (
        f'<p class="frequency">Of 100 test {words.images} with this answer, <b>{100 * hits / counts.answered:.0f}</b> '
        f"({100 * low:.0f} to {100 * high:.0f}) {escape(had)}. <small>{counts.answered} of {total} test "
        f"{words.images} got it; {counts.all_with_finding} of the {total} had {escape(finding)}.</small></p>"
    )


def plain_words_html(reading: Reading, finding: str, words: DomainText) -> str:
    """Return what an answer means, and how to read the colours."""
    one, many = words.image_word, words.images
    said = {
        "positive": f"To the model this {one} looks like the {many} with {finding} that it learned from.",
        "negative": f"The model found nothing in this {one} that it learned to call {finding}; that does not mean that "
        "nothing is there.",
        "cannot tell": f"To the model this {one} looks like {many} with {finding} and like {many} without: it should "
        "not be used for this one.",
    }[reading.answer]
    return (
        f'<p class="plain">{escape(said)} In the picture, orange places raised its estimate and teal places lowered '
        "it.</p>"
    )


def _map_against_verdict(prediction: Prediction, reading: Reading) -> str:
    """A sentence where the cells together speak one way and the answer goes the other."""
    cells, bias = float(prediction.heatmap.sum()), prediction.heatmap_bias
    says_yes = reading.answer == "positive" or (reading.answer == "cannot tell" and prediction.log_odds > 0)
    if (cells > 0) == says_yes or abs(cells) < 0.05:
        return ""
    way = "for" if cells > 0 else "against"
    said = AGAINST_THE_MAP.format(way=way, finding=escape(prediction.finding), cells=cells, bias=bias)
    return f'<p class="note">{said}</p>'


def lungs_share_html(lungs: Lungs | None) -> str:
    """Return how much of the evidence lies in the lungs, and how much would by chance; "" where there is none."""
    if not lungs or not lungs.sentence:
        return ""
    by_chance = f", which fill {percent(lungs.area)} of the picture" if lungs.found else ""
    return f'<p class="lungs-share">{lungs.sentence}{by_chance}.</p>'


def _notes(prediction: Prediction) -> list[str]:
    """The notes; the guard's warning stands out."""
    warning = prediction.guard.warning if prediction.guard else ""
    return [f'<p class="note{" warning" if note == warning else ""}">{escape(note)}</p>' for note in prediction.notes]


def _label(example: Example | None) -> str:
    if example is None:
        return ""
    return f'<p class="label">The label says: <b>{escape(example.label)}</b>.</p>'


def _shares(counts: AnswerCounts | None) -> str:
    """How often the answer is given to images with and without the finding, from which the page gets the PPV."""
    if counts is None or not counts.all_with_finding or not counts.all_without:
        return ""
    with_finding, without = (
        counts.with_finding / counts.all_with_finding,
        counts.without / counts.all_without,
    )
    return f'data-share-with="{with_finding:.6f}" data-share-without="{without:.6f}"'


def _left(probability: float, config: ModelConfig) -> str:
    """The place on the bar as CSS, with room for the mark at both ends."""
    return f"{min(max(100 * bar_position(probability, config), 0.8), 99.2):.2f}%"


def _logit(probability: float) -> float:
    return log(probability / (1 - probability))


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
