"""A prediction as the card that a visitor reads: what it says, how sure, and what that is worth."""

from html import escape
from typing import Any

from overread.heatmaps import AGAINST_FINDING, FOR_FINDING
from overread.model_folder import ModelConfig, OperatingPoint
from overread.prediction import DISCLAIMER, Prediction
from ui.examples import Example

EMPTY = '<div class="verdict empty">Drop in a picture or pick an example: the answer appears here.</div>'


def verdict_html(
    prediction: Prediction, config: ModelConfig, test: dict[str, Any] | None, example: Example | None = None
) -> str:
    """Return the card: decision, probability against every threshold, the evidence's sum, notes, disclaimer.

    Args:
        prediction: the answer.
        config: of the model that answered.
        test: the model's figures on its test split, see ``overread.evaluation.on_test_split``.
        example: the example that was answered, whose true label is shown; None for a visitor's own image.
    """
    point = prediction.operating_point
    percent = f"{100 * prediction.probability:.1f}"
    relation = "reaches" if prediction.positive else "stays below"
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in prediction.notes)
    return f"""
<div class="verdict {"positive" if prediction.positive else "negative"}">
  <div class="headline"><span class="decision">{escape(prediction.decision)}</span>
    <span class="probability">{percent} % <small>probability of {escape(prediction.finding)}</small></span></div>
  {_bar(prediction, config)}
  <p>The probability {relation} the <b>{escape(point.name)}</b> threshold of {100 * point.threshold:.1f} %.
  {_worth(point, test)}</p>
  {_label(example)}
  {_members(prediction)}
  <p class="sum">{_sum(prediction)}</p>
  {notes}
  <p class="disclaimer">{DISCLAIMER} Answered by {_answered_by(prediction)}.</p>
</div>"""


def _bar(prediction: Prediction, config: ModelConfig) -> str:
    """The probability as a bar from 0 to 100 %, with a tick at each operating point."""
    ticks = "".join(
        f'<span class="tick{" chosen" if point.name == prediction.operating_point.name else ""}" '
        f'style="left:{100 * point.threshold:.2f}%" title="{escape(point.name)}: {100 * point.threshold:.1f} %"></span>'
        for point in config.operating_points.values()
    )
    return (
        f'<div class="bar" role="img" aria-label="probability {100 * prediction.probability:.1f} percent">'
        f'<span class="fill" style="width:{100 * prediction.probability:.2f}%"></span>{ticks}</div>'
        '<div class="ends"><span>0 %</span><span>ticks: the three thresholds</span><span>100 %</span></div>'
    )


def _label(example: Example | None) -> str:
    """The true label of an example, with its source."""
    if example is None:
        return ""
    return (
        f'<p class="label">The label says: <b>{escape(example.label)}</b>. <small>{escape(example.source)}</small></p>'
    )


def _members(prediction: Prediction) -> str:
    """Each member's own probability: where they differ, the mean is less certain than it looks."""
    if not prediction.members:
        return ""
    each = ", ".join(f"{escape(name)} {100 * value:.1f} %" for name, value in prediction.members.items())
    return f'<p class="members">Its members, each on its own: {each}.</p>'


def _sum(prediction: Prediction) -> str:
    """The arithmetic of the map: evidence for + evidence against + bias = log-odds."""
    cells = prediction.heatmap
    speaks_for, speaks_against = float(cells[cells > 0].sum()), float(cells[cells < 0].sum())
    return (
        f"Evidence in log-odds: {speaks_for:+.2f} for, {speaks_against:+.2f} against, {prediction.heatmap_bias:+.2f} "
        f"from no place = <b>{prediction.log_odds:+.2f}</b>"
    )


def _worth(point: OperatingPoint, test: dict[str, Any] | None) -> str:
    """Sensitivity and specificity at the threshold, test data first: on the data it was chosen on they look better."""
    chosen = f"{100 * point.sensitivity:.0f} % and {100 * point.specificity:.0f} %"
    if test is None:
        return f"On the validation data it was chosen on, sensitivity and specificity were {chosen}."
    reached = test["operating_points"][point.name]
    return (
        f"On {test['images']} test pictures it found {_percent(reached['sensitivity'])} of those with the finding and "
        f"cleared {_percent(reached['specificity'])} of those without; on the validation data it was chosen on, "
        f"{chosen}."
    )


def _percent(estimate: dict[str, float]) -> str:
    low, high = (f"{100 * estimate[end]:.0f}" for end in ("low", "high"))
    return f"<b>{100 * estimate['value']:.0f} %</b> ({low} to {high})"


def _answered_by(prediction: Prediction) -> str:
    model, spent = prediction.model, prediction.milliseconds
    total = spent.decode + spent.preprocess + spent.inference + spent.overlay
    return f"{escape(model.name)}, revision {escape(model.revision[:12])}, file {model.sha256[:12]}, in {total:.0f} ms"


def legend_html(config: ModelConfig) -> str:
    """Return the signed colour scale with its meaning in words and in log-odds."""
    left, right = (f"rgb{colour}" for colour in (AGAINST_FINDING, FOR_FINDING))
    region = ""
    if config.region:
        region = (
            f" The white square is the centre {config.region.labelled_centre_px} x "
            f"{config.region.labelled_centre_px} px: only tumour in there counts for the label."
        )
    return f"""
<div class="legend">
  <div class="scale" style="background:linear-gradient(90deg,{left},transparent,{right})"></div>
  <div class="ends">
    <span>speaks against {escape(config.finding)}</span><span>nothing</span><span>speaks for it</span></div>
  <p>Full colour is {config.heatmap.scale:.2f} log-odds in one cell; the scale is the same for every picture, so a faint
  map means faint evidence.{region}</p>
</div>"""
