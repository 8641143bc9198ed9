"""What a report says: the app's PDF, and the page in a browser (``web/``), which fills in its own figures."""

from overread.domain_text import DomainText
from overread.model_folder import ModelConfig
from overread.prediction import Prediction
from overread.reading import Answer, decide
from ui.answer_counts import AnswerCounts, answer_counts, wilson
from ui.verdict import Context, percent

TITLE = "Overread: a second reading, with its evidence"
PROBABILITY = "Probability of {finding}: {percent}"
PICTURE = "The image that was read: {digest}"
OVERLAY = "The same with the evidence for and against {finding} over it"
LEGEND = "teal: against {finding}, orange: for it; full colour is {scale} log-odds in one cell"
MEMBERS = "Members of the ensemble, each on its own: {members}."
EVIDENCE = (
    "Evidence in log-odds: {positive:+.2f} for, {negative:+.2f} against, {bias:+.2f} from no place = {log_odds:+.2f}."
)
FORCED = "Forced decision at the {point} threshold of {threshold} %: {decision}."
LABEL = "The label says: {label}. {source}."
IDENTITY = (
    "Image: SHA-256 {image} (of the {image_of})",
    "Model: {model}, revision {revision}, {source}",
    "Model file: SHA-256 {sha256}",
    "Made {time} UTC",
)


def legend(finding: str, config: ModelConfig) -> str:
    """Return what the colours mean."""
    return LEGEND.format(finding=finding, scale=f"{config.heatmap.scale:.2f}")


def paragraphs(prediction: Prediction, context: Context) -> list[str]:
    """Return the figures behind the answer, in words."""
    config, finding = context.config, prediction.finding
    counts = answer_counts(context.test, config.operating_points).get(prediction.reading.answer)
    texts = [frequency(counts, prediction.reading.answer, finding, context.words)]
    if prediction.members:
        members = ", ".join(f"{name} {percent(value)}" for name, value in prediction.members.items())
        texts.append(MEMBERS.format(members=members))
    cells, point = prediction.heatmap, prediction.operating_point
    texts.append(
        EVIDENCE.format(
            positive=float(cells[cells > 0].sum()),
            negative=float(cells[cells < 0].sum()),
            bias=prediction.heatmap_bias,
            log_odds=prediction.log_odds,
        )
    )
    decision = decide(prediction.probability, point, config.labels, config.operating_points)
    texts.append(FORCED.format(point=point.name, threshold=f"{100 * point.threshold:.1f}", decision=decision))
    if context.example:
        texts.append(LABEL.format(label=context.example.label, source=context.example.source))
    return [*filter(None, texts), *prediction.notes]


def frequency(counts: AnswerCounts | None, answer: Answer, finding: str, words: DomainText) -> str:
    """Return what an answer was worth on test images; "" where nobody knows."""
    if not counts or not counts.answered:
        return ""
    hits, had = (counts.without, "had no") if answer == "negative" else (counts.with_finding, "had")
    low, high = wilson(hits, counts.answered)
    total = counts.all_with_finding + counts.all_without
    return (
        f"Of 100 test {words.images} with this answer, {100 * hits / counts.answered:.0f} ({100 * low:.0f} to "
        f"{100 * high:.0f}) {had} {finding}; {counts.all_with_finding} of the {total} test {words.images} had it."
    )


def identity(prediction: Prediction, time: str) -> list[str]:
    """Return what identifies image and model, and when the report was made."""
    model = prediction.model
    values = {
        "image": prediction.image_sha256,
        "image_of": prediction.image_sha256_of,
        "model": model.name,
        "revision": model.revision,
        "source": model.source,
        "sha256": model.sha256,
        "time": time,
    }
    return [line.format(**values) for line in IDENTITY]
