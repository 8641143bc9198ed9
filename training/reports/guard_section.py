"""The sections of the model card about the guard and about the three answers, rendered from what was measured."""

from collections.abc import Mapping
from typing import Any

from overread.reported_figures import interval

GUARD_INTRODUCTION = (
    "Before the net runs, a guard looks at statistics of the pixels (grey levels, texture, colour, layout) and, for "
    "films, at how much of the picture is lung. It accepts the image, calls it unfamiliar (answered, with a warning),"
    " or refuses it and says what it saw. It was fitted on training images and its limits were chosen on validation "
    "images. Which statistics it uses, and its few constants, were settled while looking at sets like those below, so"
    " new kinds of images may be refused less often. Brackets: 95 % Wilson intervals. AUROC: against the test images."
)

PART_TITLES = {"external": "adults read by radiologists, opacity against the rest"}


def guard_section(measured: Mapping[str, Any]) -> str:
    """Return the section about the guard, in Markdown, from ``guard_evaluation.json``."""
    lines = [
        GUARD_INTRODUCTION,
        "",
        "| images | number | accepted | unfamiliar | refused | AUROC |",
        "|---|---|---|---|---|---|",
        _row("test split", measured["test"]),
    ]
    lines += [_row(name, found) for name, found in measured["own"].items()]
    lines += ["| **should be refused** | | | | | |"]
    lines += [_row(name, found) for name, found in measured["foreign"].items()]
    return "\n".join(lines)


def three_answers_section(finding: str, measured: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of the three answers, in Markdown.

    Args:
        finding: such as "pneumonia".
        measured: by name of the set, what ``training.measure.selective`` returns, joined.
    """
    lines = [
        f'Below the screening threshold the model says "no sign of {finding}", from the rule-in threshold on '
        f'"{finding}", between them "can\'t tell". Figures are those of the images that get an answer. AURC is the '
        "area under the risk-coverage curve of the balanced decision (lower is better).",
        "",
        "| images | answered | sensitivity | specificity | accuracy | AURC | AURC, random order |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in measured.items():
        figures = [found[figure] for figure in ("answered", "sensitivity", "specificity", "accuracy", "aurc")]
        shown = [interval(figure) if figure else "none" for figure in figures]
        lines.append(f"| {PART_TITLES.get(name, name)} | {' | '.join(shown)} | {found['aurc_random']:.3f} |")
    return "\n".join(lines)


def _row(name: str, found: Mapping[str, Any]) -> str:
    shown = " | ".join(_percent(found[outcome]) for outcome in ("accepted", "unfamiliar", "refused"))
    auroc = f"{found['auroc']:.3f}" if "auroc" in found else ""
    return f"| {name} | {found['images']:,} | {shown} | {auroc} |"


def _percent(estimate: Mapping[str, float]) -> str:
    """Return such as "98.4 % (97.0 to 99.1)"."""
    value, low, high = (100 * estimate[name] for name in ("value", "low", "high"))
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"
