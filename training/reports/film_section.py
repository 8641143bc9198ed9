"""The parts of a chest model's card about adults, lungs, half films, one-sided disease and full-size films."""

from collections.abc import Mapping
from typing import Any

from overread.reported_figures import interval
from training.measure.external import ALL_VIEWS, CITATION

Figures = Mapping[str, Any]
NONE = "none"


def external_section(external: Figures, default_point: str) -> str:
    """Return the table of the films that radiologists read at the default operating point, in Markdown."""
    images, auc = external["images"], external["auc"]
    point = external["operating_points"][default_point]
    total = images[ALL_VIEWS]
    lines = [
        f"On {sum(total.values())} films of adults that radiologists read ({CITATION}: {total['opacity']} lung "
        f"opacity, {total['normal']} normal, {total['neither']} neither). Nothing was trained or chosen on them; the "
        f"model learned from other patients of that hospital. At the *{default_point}* point:",
        "",
        "| View | Opacity, normal, neither | AUC, opacity against normal | AUC, opacity against the rest "
        "| Sensitivity, opacity | Specificity, normal |",
        "|---|---|---|---|---|---|",
    ]
    for view, counts in images.items():
        figures = [
            auc["opacity_vs_normal"][view],
            auc["opacity_vs_rest"][view],
            point["sensitivity"][view],
            point["specificity_normal"][view],
        ]
        numbers = ", ".join(str(count) for count in counts.values())
        lines.append(f"| {view} | {numbers} | {' | '.join(map(_shown, figures))} |")
    return "\n".join(lines)


def external_points_section(external: Figures) -> str:
    """Return sensitivity and specificity of the same films by operating point and view, in Markdown."""
    lines = [
        "Films that radiologists read, by operating point and view:",
        "",
        "| Operating point, view | Threshold | Sensitivity, opacity | Specificity, normal | Specificity, the rest |",
        "|---|---|---|---|---|",
    ]
    for name, point in external["operating_points"].items():
        for view in external["images"]:
            rates = [point[rate][view] for rate in ("sensitivity", "specificity_normal", "specificity_rest")]
            lines.append(f"| {name}, {view} | {point['threshold']:.3f} | {' | '.join(map(_shown, rates))} |")
    return "\n".join(lines)


def lungs_section(measured: Figures) -> str:
    """Return the table of evidence in the lungs on test, in Markdown."""
    lines = [
        f"Where the evidence lies, on the {measured['films']} of {measured['of']} test films with a human-checked lung "
        "mask (V7 Labs, CC BY 4.0; the lungs with what lies behind the heart). The lungs' share of the picture is what "
        "a map without any place would have inside.",
        "",
        "| Films | Number | Positive evidence in the lungs | Peak cell in the lungs | Lungs' share of the picture |",
        "|---|---|---|---|---|",
    ]
    for name in ("with the finding", "without the finding"):
        found = measured[name]
        figures = [found["evidence"], found["peak"], found["area"]]
        lines.append(f"| {name} | {found['films']} | {' | '.join(map(_shown, figures))} |")
    return "\n".join(lines)


def half_films_section(games: Figures, one_sided: Figures | None) -> str:
    """Return the scores on half films, and on one-sided films where there are any, in Markdown."""
    any_films, surest = (_mean(games[name]) for name in ("any", "surest"))
    text = (
        f"On {games['any']['films']} half films (the left half of one test film beside the right half of another, one "
        f"with the finding) the share of positive evidence in the right half is {surest} for the most confident "
        f"correct films and {any_films} for randomly drawn ones (chance 0.5)."
    )
    if one_sided:
        text += (
            f"\n\nOf the {one_sided['films']} validation films with the finding whose lungs differ most in brightness, "
            f"{one_sided['in_brighter']} have most of the evidence within the lungs in the brighter lung; its mean "
            f"share is {interval(one_sided['share'])} (share of the area {one_sided['chance']:.3f}). Brightness within "
            "the masks chose film and side: nobody has read these films for it."
        )
        if one_sided["share"]["low"] <= one_sided["chance"]:
            text += " That is no more than chance: the evidence says lung, not which lung."
    return text


def cropping_section(measured: Figures, point: Figures) -> str:
    """Return the table of test films from which a part was cut off, in Markdown.

    Args:
        measured: ``cropping`` of ``evaluation.json``.
        point: the default operating point's figures on the films as they are.
    """
    whole = " | ".join(_shown(point[rate]) for rate in ("sensitivity", "specificity"))
    lines = [
        f"What cropping does to the {measured['images']} test films, at the default point. In this data set the films "
        "with the finding are wider for their height than those without, and squashed to a square they still tell.",
        "",
        "| Films | Decisions that change | Mean change of log-odds with, without the finding "
        "| Sensitivity | Specificity |",
        "|---|---|---|---|---|",
        f"| as they are | | | {whole} |",
    ]
    for name, crop in measured["crops"].items():
        changes = f"{crop['change_with_finding']:+.2f}, {crop['change_without_finding']:+.2f}"
        rates = [changes, _shown(crop["sensitivity"]), _shown(crop["specificity"])]
        cut = f"{1 - measured['kept']:.0%} cut off, {name}"
        lines.append(f"| {cut} | {_shown(crop['flipped'])} | {' | '.join(rates)} |")
    lines += [
        "",
        "With the sides cut off the films with the finding, and top and bottom off those without it, so that "
        f"proportions speak for the wrong class, the AUC is {_shown(measured['auc_against_proportions'])}.",
    ]
    return "\n".join(lines)


def resampling_section(filters: Figures, sizes: list[dict[str, Any]]) -> str:
    """Return how answers depend on resizing, in Markdown; ``sizes`` is empty where no film is at hand in two sizes."""
    if filters["resized"]:
        text = (
            f"Bicubic against bilinear resizing, on {filters['images']:,} test images: a share of "
            f"{interval(filters['flipped'])} of the decisions flips; 95 % of the probabilities change by at most "
            f"{interval(filters['change_95'])}."
        )
    else:
        text = "The test images are as large as the input: no filter changes them."
    if not sizes:
        return text
    largest = max(abs(row["difference"]) for row in sizes)
    lines = [
        text,
        "",
        f"Full-size films against their versions of {sizes[0]['stored_size'][0]} px in the data set (log-odds; the "
        f"largest difference is {largest:.2f}):",
        "",
        "| Film | Split | Size | Full size | Data set | Difference |",
        "|---|---|---|---|---|---|",
    ]
    for row in sizes:
        values = f"{row['log_odds_full_size']:+.2f} | {row['log_odds_stored']:+.2f} | {row['difference']:+.2f}"
        lines.append(f"| {row['film']} | {row['split']} | {' x '.join(map(str, row['full_size']))} | {values} |")
    return "\n".join(lines)


def _shown(estimate: Mapping[str, float] | None) -> str:
    return interval(dict(estimate)) if estimate else NONE


def _mean(found: Figures) -> str:
    return interval({"value": found["mean"], "low": found["low"], "high": found["high"]})
