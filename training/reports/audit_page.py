"""The page of ``python -m training audit``: one HTML file that holds all charts and images, from a Jinja2 template."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from training.data.data_sets import Source
from training.measure.file_statistics import SplitStatistics
from training.measure.split_overlap import Duplicates, Patients
from training.reports.audit_charts import intensity_chart, mean_chart, number_chart, thumbnail

TEMPLATES = Path(__file__).parent / "templates"
LISTED = 30  # groups of equal images
SHAPE = {"aspect_ratio": "aspect ratio (w/h)", "width": "width (px)", "height": "height (px)"}
COMPRESSION = {"bytes_per_pixel": "file bytes per pixel", "quality": "JPEG quality"}
INTENSITY = {"brightness": "mean of all pixels", "contrast": "standard deviation"}
MAY_BE_DISEASE = {*INTENSITY, "bytes_per_pixel"}
AUC_MEANS = (
    "AUC 0.50: this number does not predict the label. 1.00: it is always larger in the second class, 0.00: always "
    "smaller; it predicts the label alone."
)

Charts = dict[str, str]  # by the split's name


def page(
    name: str, source: Source, splits: Sequence[SplitStatistics], duplicates: Duplicates, patients: Patients | None
) -> str:
    """Return the whole page as HTML, without any outside resource.

    Args:
        name: as on the command line.
        source: the data set.
        splits: its statistics.
        duplicates: among the sampled images of all splits.
        patients: by the file names, where they name patients.
    """
    classes = source.labels
    grey = all(split.grey for split in splits)
    template = _environment().get_template("audit_page.html.j2")
    contents = ["Class balance", "Sample images", "Mean images", "Intensity", "Size and shape", "Compression"]
    return template.render(
        name=name,
        source=source,
        classes=classes,
        splits=splits,
        grey=grey,
        unreadable=[f"{split.split}: {file}" for split in splits for file in split.unreadable],
        findings={"numbers": _telling_numbers(splits), "overlaps": _overlaps(duplicates, patients)},
        contents=[*contents, "Duplicates", *(["Patients"] if patients else [])],
        auc_means=AUC_MEANS,
        shape=SHAPE,
        compression=COMPRESSION,
        intensity=INTENSITY,
        balance=[_balance(split) for split in splits],
        qualities=_qualities(splits),
        duplicates=_duplicates(duplicates),
        groups=[[_group(group, classes)] for group in duplicates.groups[:LISTED]],
        all_groups=len(duplicates.groups),
        patients=_patients(patients) if patients else None,
        mean_charts={split.split: mean_chart(classes, split) for split in splits},
        intensity_charts={split.split: intensity_chart(classes, split, grey) for split in splits},
        shape_charts=_number_charts(SHAPE, classes, splits),
        compression_charts=_number_charts(COMPRESSION, classes, splits),
        distinct=_distinct,
        sampled={split.split: _sampled(classes, split) for split in splits},
        thumbnail=thumbnail,
    )


def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _telling_numbers(splits: Sequence[SplitStatistics]) -> list[tuple[str, list[Any], bool]]:
    found = []
    for number, title in (SHAPE | COMPRESSION | INTENSITY).items():
        aucs = [(split.split, auc) for split in splits if (auc := split.auc(number)).predicts_label]
        if aucs:
            found.append((title, aucs, number in MAY_BE_DISEASE))
    return found


def _overlaps(duplicates: Duplicates, patients: Patients | None) -> list[str]:
    found = [
        f"Equal images in {' and '.join(splits)}: {count:,}." for splits, count in duplicates.across.items() if count
    ]
    if duplicates.contradicting:
        found.append(f"Equal images with both labels: {duplicates.contradicting:,}.")
    for splits, (count, same_kind) in patients.across.items() if patients else ():
        if count:
            found.append(f"Patients' names in {' and '.join(splits)}: {count:,}, {same_kind:,} with one kind in both.")
    return found


def _balance(split: SplitStatistics) -> list[str]:
    total = len(split.labels)
    return [split.split, f"{total:,}", *(f"{count:,} ({100 * count / total:.1f} %)" for count in split.counts)]


def _qualities(splits: Sequence[SplitStatistics]) -> list[list[str]]:
    return [
        [split.split, quality, *(f"{count:,}" for count in counts)]
        for split in splits
        for quality, counts in split.quality_counts().items()
    ]


def _duplicates(duplicates: Duplicates) -> list[list[str]]:
    rows = [[split, f"{count:,}"] for split, count in duplicates.within.items()]
    rows += [[f"{first} and {second}", f"{count:,}"] for (first, second), count in duplicates.across.items()]
    return [*rows, ["with both labels", f"{duplicates.contradicting:,}"]]


def _group(group: Sequence[Any], classes: tuple[str, str]) -> str:
    return "; ".join(f"{split}: {image.name} ({classes[image.label]})" for split, image in group)


def _patients(patients: Patients) -> dict[str, Any]:
    kinds = sorted({kind for counts in patients.kinds.values() for kind in counts})
    return {
        "head": ["Split", "Patients", *(f"{kind} (images)" for kind in kinds)],
        "rows": [
            [split, f"{count:,}", *(f"{patients.kinds[split][kind]:,}" for kind in kinds)]
            for split, count in patients.patients.items()
        ],
        "across": [
            [" and ".join(splits), f"{count:,}", f"{same_kind:,}"]
            for splits, (count, same_kind) in patients.across.items()
        ],
    }


def _number_charts(numbers: dict[str, str], classes: tuple[str, str], splits: Sequence[SplitStatistics]) -> Charts:
    drawn = {split.split: number_chart(numbers, classes, split) for split in splits}
    return {split: chart for split, chart in drawn.items() if chart}


def _distinct(split: SplitStatistics, number: str) -> list[str]:
    return [f"{value:g}" for value in sorted(set(split.values(number)))]


def _sampled(classes: tuple[str, str], split: SplitStatistics) -> str:
    counts = np.bincount(split.sampled_labels, minlength=2)
    return f"{split.split}: {counts[0]:,} × {classes[0]}, {counts[1]:,} × {classes[1]}"
