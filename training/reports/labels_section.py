"""The model card's section on accuracy against the number of labels, from ``labels_curve.json``."""

from collections.abc import Mapping
from typing import Any

from overread.reported_figures import interval

RESULT = "labels_curve.json"  # in the model folder; `python -m training labels-curve` writes it
FIGURE = "figures/labels_curve.png"


def labels_section(measured: Mapping[str, Any]) -> str:
    """Return the figure and the table of a measured curve as Markdown."""
    points = measured["points"]
    starts = list(dict.fromkeys(point["start"] for point in points))
    by_labels: dict[int, dict[str, Mapping[str, Any]]] = {}
    for point in points:
        by_labels.setdefault(point["labels"], {})[point["start"]] = point
    seeds = len(points[0]["auc_of_seeds"])
    lines = [
        f"`{measured['architecture']}` trained with fewer labels, on the centre {measured['side_px']} px of a patch: "
        f"{seeds} seeds each, batches of {measured['batch_size']}, the last weights, no validation label used. AUC on "
        f"{measured['test_images']:,} test images: mean of the seeds with the 95 % bootstrap interval over images, in "
        "brackets the lowest and the highest seed. Minutes of one CPU core for one training. These are short "
        "trainings: more steps would help most where labels are many, and from random weights. Measured with "
        "`python -m training labels-curve`.",
        "",
        "| Labels | Steps | " + " | ".join(f"{start[0].upper()}{start[1:]}: AUC | Minutes" for start in starts) + " |",
        "|---|---|" + "---|---|" * len(starts),
    ]
    for labels, cells in sorted(by_labels.items()):
        row = [f"{labels:,}", f"{next(iter(cells.values()))['steps']}"]
        for start in starts:
            aucs = cells[start]["auc_of_seeds"]
            row += [
                f"{interval(cells[start]['auc'])} [{min(aucs):.3f} to {max(aucs):.3f}]",
                f"{cells[start]['cpu_minutes']:.1f}",
            ]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join([*lines, "", f"![AUC on test against the number of labels]({FIGURE})"])
