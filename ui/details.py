"""What is folded below the card: forced decisions at each operating point, the arithmetic, which model answered."""

from collections.abc import Mapping
from html import escape
from typing import Any

from overread.model_folder import ModelConfig
from overread.prediction import Prediction
from overread.reading import decide
from ui.examples import Example
from ui.verdict import percent


def forced_decisions_html(prediction: Prediction, config: ModelConfig, test: Mapping[str, Any] | None) -> str:
    """Return a table with the decision at each operating point and what the point reached on test data.

    Each row carries sensitivity and specificity on test data, from which the page makes PPV and NPV at a prevalence.
    """
    rows = []
    for name, point in config.operating_points.items():
        reached = (test or {}).get("operating_points", {}).get(name)
        rates = [reached[rate] for rate in ("sensitivity", "specificity")] if reached else []
        data = f' data-sensitivity="{rates[0]["value"]}" data-specificity="{rates[1]["value"]}"' if rates else ""
        cells = "".join(f"<td>{_interval(rate)}</td>" for rate in rates) or "<td>-</td><td>-</td>"
        decision = decide(prediction.probability, point, config.labels, config.operating_points)
        rows.append(
            f'<tr data-point="{escape(name)}"{data}><th scope="row">{escape(name)}</th>'
            f"<td>{percent(point.threshold)}</td><td><b>{escape(decision)}</b></td>"
            f'<td class="ppv">-</td><td class="npv">-</td>{cells}</tr>'
        )
    head = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Point", "Threshold", "Forced decision", "PPV", "NPV", "Sensitivity", "Specificity")
    )
    return f'<table class="forced"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def details_html(prediction: Prediction, example: Example | None) -> str:
    """Return the arithmetic of the map, members, what identifies model and image, an example's source, and times."""
    cells, model, spent = prediction.heatmap, prediction.model, prediction.milliseconds
    speaks_for, speaks_against = float(cells[cells > 0].sum()), float(cells[cells < 0].sum())
    members = ", ".join(f"{name} {100 * value:.1f} %" for name, value in prediction.members.items())
    rows = {
        "Evidence in log-odds": f"{speaks_for:+.2f} for, {speaks_against:+.2f} against, "
        f"{prediction.heatmap_bias:+.2f} from no place = {prediction.log_odds:+.2f}",
        "Probability": f"{100 * prediction.probability:.2f} % of {prediction.finding}",
        "Members, each on its own": members,
        "Model": f"{model.name}, revision {model.revision[:12]}, file {model.sha256[:12]}, {model.source}",
        "Grid": f"{cells.shape[0]} x {cells.shape[1]} cells",
        "Image": f"SHA-256 {prediction.image_sha256} (of the {prediction.image_sha256_of})",
        "Example": example.source if example else "",
        "Milliseconds": f"decode {spent.decode:.0f}, guard {spent.guard:.0f}, preprocess {spent.preprocess:.0f}, "
        f"inference {spent.inference:.0f}",
    }
    entries = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows.items() if text)
    return f'<dl class="arithmetic">{entries}</dl>'


def _interval(estimate: Mapping[str, float]) -> str:
    value, low, high = (f"{100 * estimate[key]:.0f}" for key in ("value", "low", "high"))
    return f"{value} % <small>({low} to {high})</small>"
