"""The page that ``training.audit`` writes: one HTML file with every chart and picture inside it."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.data.data_sets import Source
from training.measure.file_statistics import NumberAuc, SplitStatistics
from training.measure.split_overlap import Duplicates, Patients
from training.reports.html import anchor, chart, sentence, table, thumbnail

COLOURS = ("#2b6cb0", "#dd6b20")  # class 0, class 1: told apart with any colour vision
CHANNELS = ("red", "green", "blue")
BINS = 40
LISTED = 30  # groups of equal pictures
SHAPE = {"aspect_ratio": "aspect ratio (w/h)", "width": "width (px)", "height": "height (px)"}
COMPRESSION = {"bytes_per_pixel": "file bytes per pixel", "quality": "JPEG quality"}
INTENSITY = {"brightness": "mean of all pixels", "contrast": "standard deviation"}
AUC_MEANS = (
    "AUC 0.50 means this number says nothing of the label; 1.00 means it is always larger in the second class, "
    "0.00 always smaller, so that it alone tells the label."
)
STYLE = (Path(__file__).parent / "templates" / "audit_page.css").read_text(encoding="utf-8")


def page(
    name: str,
    source: Source,
    looks: Sequence[SplitStatistics],
    duplicates: Duplicates,
    patients: Patients | None,
) -> str:
    """Return the whole report as HTML without any outside resource.

    Args:
        name: as on the command line.
        source: the data set.
        looks: one per split.
        duplicates: among the sampled pictures of all splits.
        patients: what the file names tell, where they do.
    """
    classes = source.labels
    sections = {
        "Class balance": _balance(classes, looks),
        "Sample pictures": _walls(classes, looks),
        "Mean pictures": _means(classes, looks),
        "Intensity": _intensity(classes, looks),
        "Size and shape": _numbers(SHAPE, classes, looks, "A net can read a picture's shape where it is not squashed."),
        "Compression": _compression(classes, looks),
        "Duplicates": _duplicates(classes, looks, duplicates),
    }
    if patients:
        sections["Patients"] = _patients(patients)
    contents = "".join(f'<li><a href="#{anchor(title)}">{title}</a></li>' for title in sections)
    body = "".join(
        f'<section id="{anchor(title)}"><h2>{title}</h2>{html}</section>' for title, html in sections.items()
    )
    looked = ", ".join(f"{len(look.images):,} of {len(look.labels):,} ({look.split})" for look in looks)
    unreadable = [f"{look.split}: {file}" for look in looks for file in look.unreadable]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(name)}: a look at the data</title><style>{STYLE}</style></head><body>
<header><h1>{escape(name)}: a look at the data</h1>
<p><code>{escape(source.dataset)}</code>, {escape(source.licence)}. {escape(source.citation)}.</p>
<p>Class 0 is <b class="class0">{escape(classes[0])}</b>, class 1 is <b class="class1">{escape(classes[1])}</b>.
Pictures drawn at random and decoded: {looked}.{sentence("Could not be read", unreadable)}</p>
<h3>What stands out</h3>{_findings(looks, duplicates, patients)}
<nav><h3>Contents</h3><ol>{contents}</ol></nav>
<p class="quiet">Written by <code>python -m training audit {escape(name)}</code>.
Intervals: 95 %, Hanley &amp; McNeil 1982.</p>
</header>{body}</body></html>
"""


def _findings(looks: Sequence[SplitStatistics], duplicates: Duplicates, patients: Patients | None) -> str:
    found = []
    for number, title in (SHAPE | COMPRESSION | INTENSITY).items():
        told = [f"{_auc(auc)} in {look.split}" for look in looks if (auc := look.auc(number)).predicts_label]
        remark = " (which may be the disease itself)" if number in {*INTENSITY, "bytes_per_pixel"} else ""
        if told:
            found.append(
                f"<li>{title[0].upper() + title[1:]} alone ranks the classes with AUC {'; '.join(told)}{remark}.</li>"
            )
    for splits, count in duplicates.across.items():
        if count:
            found.append(f"<li>Equal pictures in {' and '.join(splits)}: {count:,}.</li>")
    if duplicates.contradicting:
        found.append(f"<li>Equal pictures with both labels: {duplicates.contradicting:,}.</li>")
    for splits, (count, same_kind) in patients.across.items() if patients else ():
        if count:
            found.append(
                f"<li>Patients' names in {' and '.join(splits)}: {count:,}, {same_kind:,} with one kind in both.</li>"
            )
    if not found:
        return "<p>Nothing: no number below tells the label, and nothing is in two splits.</p>"
    return f"<ul>{''.join(found)}</ul>"


def _balance(classes: tuple[str, str], looks: Sequence[SplitStatistics]) -> str:
    rows = []
    for look in looks:
        total = len(look.labels)
        rows.append([look.split, f"{total:,}", *(f"{n:,} ({100 * n / total:.1f} %)" for n in look.counts)])
    meaning = "A net that always says the larger class is right in that share: accuracy must be read against it."
    return (
        f"<p>{meaning}</p>{table(['Split', 'Pictures', *classes], rows)}<p class='quiet'>All pictures are counted.</p>"
    )


def _walls(classes: tuple[str, str], looks: Sequence[SplitStatistics]) -> str:
    parts = ["<p>What tells these classes apart at a glance should be the disease, not the make of the picture.</p>"]
    for look in looks:
        parts.append(f"<h3>{look.split}</h3>")
        for label, shown in enumerate(look.thumbnails):
            wall = "".join(thumbnail(picture, name) for name, picture in shown)
            caption = f"<b class='class{label}'>{escape(classes[label])}</b>, drawn at random; hover for the file name"
            parts.append(f'<figure><div class="wall">{wall}</div><figcaption>{caption}</figcaption></figure>')
    return "".join(parts)


def _means(classes: tuple[str, str], looks: Sequence[SplitStatistics]) -> str:
    meaning = (
        "Where the difference is far from zero, the average picture of one class is brighter: over the organ it may be "
        "the disease; at the rim or in a corner it is framing, position or a marker, a shortcut."
    )
    return f"<p>{meaning}</p>" + "".join(f"<h3>{look.split}</h3>{_mean_figure(classes, look)}" for look in looks)


def _mean_figure(classes: tuple[str, str], look: SplitStatistics) -> str:
    figure = Figure(figsize=(9.6, 3), layout="constrained")
    axes = figure.subplots(1, 3)
    for label in (0, 1):
        axes[label].imshow(look.means[label].round().astype(np.uint8))
        axes[label].set_title(classes[label], color=COLOURS[label])
    difference = (look.means[1] - look.means[0]).mean(axis=-1)
    limit = max(float(np.abs(difference).max()), 1e-6)
    drawn = axes[2].imshow(difference, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes[2].set_title(f"{classes[1]} − {classes[0]}")
    figure.colorbar(drawn, ax=axes[2], label="grey levels of 255")
    for axis in axes:
        axis.set_axis_off()
    return chart(figure, f"mean pictures of {look.split}", _sampled(classes, look))


def _intensity(classes: tuple[str, str], looks: Sequence[SplitStatistics]) -> str:
    grey = all(look.grey for look in looks)
    what = "Every sampled picture is grey: red, green and blue are equal." if grey else "The pictures are in colour."
    meaning = "Curves that lie apart may be the disease, or the exposure, stain or scanner. " + AUC_MEANS
    parts = [f"<p>{what} {meaning}</p>", _auc_table(INTENSITY, looks)]
    for look in looks:
        channels = {"intensity": 0} if grey else {channel: n for n, channel in enumerate(CHANNELS)}
        figure = Figure(figsize=(9.6, 2.8), layout="constrained")
        for axis, (channel, index) in zip(
            figure.subplots(1, len(channels), squeeze=False)[0], channels.items(), strict=True
        ):
            for label in (0, 1):
                density = look.histograms[label, index].reshape(64, 4).sum(axis=1) / 4
                edges = np.arange(0, 257, 4)
                axis.stairs(density, edges, fill=True, alpha=0.3, color=COLOURS[label], label=classes[label])
                axis.stairs(density, edges, color=COLOURS[label])
            _dress(axis, channel)
        parts.append(f"<h3>{look.split}</h3>" + chart(figure, f"intensity in {look.split}", _sampled(classes, look)))
    return "".join(parts)


def _numbers(numbers: dict[str, str], classes: tuple[str, str], looks: Sequence[SplitStatistics], meaning: str) -> str:
    parts = [f"<p>{meaning} {AUC_MEANS}</p>", _auc_table(numbers, looks)]
    for look in looks:
        varying = {number: title for number, title in numbers.items() if len(set(look.values(number))) > 1}
        if not varying:
            continue
        figure = Figure(figsize=(9.6, 2.8), layout="constrained")
        axes = figure.subplots(1, len(varying), squeeze=False)[0]
        for axis, (number, title) in zip(axes, varying.items(), strict=True):
            values = look.values(number)
            by_class = [values[look.sampled_labels == label] for label in (0, 1)]
            edges = np.histogram_bin_edges(values, BINS)
            for chosen, colour, title_of_class in zip(by_class, COLOURS, classes, strict=True):
                axis.hist(chosen, edges, density=len(chosen) > 0, alpha=0.5, color=colour, label=title_of_class)
            _dress(axis, title)
        drawn = chart(figure, f"{', '.join(varying.values())} in {look.split}", _sampled(classes, look))
        parts.append(f"<h3>{look.split}</h3>{drawn}")
    return "".join(parts)


def _compression(classes: tuple[str, str], looks: Sequence[SplitStatistics]) -> str:
    meaning = (
        "Compression leaves traces that a net reads as easily as tissue; at equal quality, fewer bytes a pixel only "
        "mean a smoother picture, which may be the disease."
    )
    rows = [
        [look.split, quality, *(f"{count:,}" for count in counts)]
        for look in looks
        for quality, counts in look.quality_counts().items()
    ]
    note = (
        "The quality is libjpeg's whose table is nearest the file's; a format other than JPEG counts as lossless, "
        f"better than quality 100. Sampled pictures by quality:{table(['Split', 'JPEG quality', *classes], rows)}"
    )
    return _numbers(COMPRESSION, classes, looks, meaning) + f"<h3>JPEG quality</h3>{note}"


def _duplicates(classes: tuple[str, str], looks: Sequence[SplitStatistics], duplicates: Duplicates) -> str:
    looked = " and ".join(f"{len(look.images):,} of {len(look.labels):,} in {look.split}" for look in looks)
    rows = [[split, f"{count:,}"] for split, count in duplicates.within.items()]
    rows += [[f"{first} and {second}", f"{count:,}"] for (first, second), count in duplicates.across.items()]
    rows.append(["with both labels", f"{duplicates.contradicting:,}"])
    parts = [
        "<p>An equal picture in two splits may be a test answer seen while training; within one it counts twice.</p>",
        f"<p>Pictures looked at: {looked}. A pair is found only where both of its pictures were drawn.</p>",
        table(["Where", "Equal pictures"], rows),
    ]
    if duplicates.groups:
        groups = [
            ["; ".join(f"{split}: {picture.name} ({classes[picture.label]})" for split, picture in group)]
            for group in duplicates.groups[:LISTED]
        ]
        title = f"Groups of equal pictures, {len(groups)} of {len(duplicates.groups):,}"
        parts.append(f"<details><summary>{title}</summary>{table(['Group'], groups)}</details>")
    return "".join(parts)


def _patients(patients: Patients) -> str:
    kinds = sorted({kind for counts in patients.kinds.values() for kind in counts})
    rows = [
        [split, f"{count:,}", *(f"{patients.kinds[split][kind]:,}" for kind in kinds)]
        for split, count in patients.patients.items()
    ]
    across = [
        [" and ".join(splits), f"{count:,}", f"{same_kind:,}"] for splits, (count, same_kind) in patients.across.items()
    ]
    return (
        "<p>Pictures of one patient resemble each other: a patient in two splits makes the later figures too good. "
        "Patients and kinds are read from every file name. A name whose kinds differ between two splits may well be "
        "two people: the set may number each kind anew.</p>"
        + table(["Split", "Patients", *(f"{kind} (pictures)" for kind in kinds)], rows)
        + table(["Splits", "Patients' names in both", "with one kind in both"], across)
    )


def _auc_table(numbers: dict[str, str], looks: Sequence[SplitStatistics]) -> str:
    def cell(look: SplitStatistics, number: str) -> str:
        values = set(look.values(number))
        return _auc(look.auc(number)) if len(values) > 1 else f"always {', '.join(f'{value:g}' for value in values)}"

    rows = [[title, *(cell(look, number) for look in looks)] for number, title in numbers.items()]
    return table(["AUC of this number alone", *(look.split for look in looks)], rows, str)  # the cells are HTML


def _auc(auc: NumberAuc) -> str:
    if np.isnan(auc.value):
        return "– (one class only)"
    text = f"{auc.value:.2f} ({auc.low:.2f} to {auc.high:.2f})"
    return f'<span class="telling">{text}</span>' if auc.predicts_label else text


def _sampled(classes: tuple[str, str], look: SplitStatistics) -> str:
    counts = np.bincount(look.sampled_labels, minlength=2)
    return f"{look.split}: {counts[0]:,} × {classes[0]}, {counts[1]:,} × {classes[1]}"


def _dress(axis: Axes, title: str) -> None:
    axis.set_xlabel(title)
    axis.set_yticks([])
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.legend(frameon=False, fontsize="small")
