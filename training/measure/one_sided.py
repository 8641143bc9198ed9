"""Films with opacity in one lung: does the evidence lie in that lung? For a look by hand, with a figure beside it.

Which films are one-sided, and on which side, is decided by brightness within the lung masks alone: the mean grey of the
left half of the lungs minus that of the right half, standardised by the films without the finding, where the heart
makes one side brighter. Nobody has read these films for it, so some of them are rotated patients or effusions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from overread.heatmap_drawing import draw_overlay
from training.measure.evidence_in_lungs import Mask, lung_shares, positive_share
from training.measure.intervals import SEED, Floats, estimate_mean

COUNT = 12
SHEET_COLUMNS = 4
FILM_SIDE = 224  # pixels of a film on the sheet


@dataclass(frozen=True)
class OneSided:
    """The rows of the most one-sided films with the finding, and whether the brighter lung is on the picture's left."""

    rows: npt.NDArray[np.int64]
    bright_on_left: npt.NDArray[np.bool_]


def asymmetry(film: Image.Image, mask: Mask) -> float:
    """Return the mean grey (0..1) of the lungs' left half minus that of the right half, as seen in the picture.

    The halves are those of the mask's bounding box; NaN where one of them is empty.
    """
    grey = np.asarray(film.convert("L").resize(mask.shape[::-1]), np.float64) / 255
    left = left_lung(mask)
    right = mask & ~left
    return float(grey[left].mean() - grey[right].mean()) if left.any() and right.any() else float("nan")


def left_lung(mask: Mask) -> Mask:
    """Return the part of a lung mask that is left of the middle of its bounding box, as seen in the picture."""
    columns = np.flatnonzero(mask.any(axis=0))
    left = np.zeros_like(mask)
    if len(columns):
        left[:, : (columns[0] + columns[-1] + 1) // 2] = True
    return left & mask


def most_one_sided(
    films: Sequence[Image.Image],
    masks: Mapping[int, Mask],
    labels: npt.NDArray[np.integer],
    patients: Sequence[str],
    count: int = COUNT,
) -> OneSided:
    """Return the ``count`` films with the finding, one of a patient, whose lungs differ most in brightness.

    Args:
        films: of one split.
        masks: by row; a film without one is left out.
        labels: (N,) 0 or 1.
        patients: N names.
        count: number of films.
    """
    found = np.array([asymmetry(film, masks[row]) if row in masks else np.nan for row, film in enumerate(films)])
    normal = found[(labels == 0) & np.isfinite(found)]
    standardised = (found - normal.mean()) / normal.std()
    candidates = np.flatnonzero((labels == 1) & np.isfinite(found))
    by_difference = candidates[np.argsort(-np.abs(standardised[candidates]), kind="stable")]
    first_of_patient: dict[str, int] = {}
    for row in by_difference:
        first_of_patient.setdefault(patients[row], int(row))
    rows = np.sort(list(first_of_patient.values())[:count])
    return OneSided(rows, standardised[rows] > 0)


def evidence_in_brighter_lung(
    heatmaps: Floats, masks: Sequence[Mask], bright_on_left: npt.NDArray[np.bool_], seed: int = SEED
) -> dict[str, Any]:
    """Return the mean share of the positive evidence within the lungs that lies in the brighter one.

    ``in_brighter`` counts the films with more than half of it there; ``chance`` is the brighter lung's mean share of
    the lungs' area.

    Args:
        heatmaps: (N, h, w) of one-sided films.
        masks: N lung masks.
        bright_on_left: (N,) whether the brighter lung is on the picture's left.
        seed: of the bootstrap.
    """
    bright = [
        left_lung(mask) if left else mask & ~left_lung(mask) for mask, left in zip(masks, bright_on_left, strict=True)
    ]
    cells = heatmaps.shape[1:]
    in_bright = np.stack([lung_shares(mask, cells) for mask in bright])
    in_lungs = np.stack([lung_shares(mask, cells) for mask in masks])
    shares = positive_share(heatmaps, in_bright) / positive_share(heatmaps, in_lungs)
    shares = shares[np.isfinite(shares)]  # a film without positive evidence in its lungs has none to share
    mean = estimate_mean(shares, seed)
    return {
        "films": len(heatmaps),
        "with_evidence_in_lungs": len(shares),
        "share": {"value": mean.mean, "low": mean.low, "high": mean.high},
        "in_brighter": int((shares > 0.5).sum()),
        "chance": float((in_bright.sum((1, 2)) / in_lungs.sum((1, 2))).mean()),
    }


def draw_sheet(
    films: Sequence[Image.Image],
    heatmaps: Floats,
    masks: Sequence[Mask],
    captions: Sequence[str],
    scale: float,
    path: Path,
) -> Path:
    """Return the PNG file with each film beside itself with the evidence on it and the lungs outlined.

    Args:
        films: RGB.
        heatmaps: (N, h, w) in log-odds.
        masks: N lung masks.
        captions: of the films.
        scale: log-odds of a cell in full colour.
        path: of the file; its folder is made.
    """
    side, line = FILM_SIDE, 14
    rows = -(-len(films) // SHEET_COLUMNS)
    sheet = Image.new("RGB", (SHEET_COLUMNS * 2 * side, rows * (side + line)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (film, heatmap, mask, caption) in enumerate(zip(films, heatmaps, masks, captions, strict=True)):
        left, top = number % SHEET_COLUMNS * 2 * side, number // SHEET_COLUMNS * (side + line)
        small = film.resize((side, side))
        overlay = draw_overlay(small, heatmap, scale, True)
        edge = _edge(np.asarray(Image.fromarray(mask).resize((side, side))))
        overlay.paste((255, 255, 0), mask=Image.fromarray(edge))
        sheet.paste(small, (left, top + line))
        sheet.paste(overlay, (left + side, top + line))
        draw.text((left + 2, top + 1), caption, "black")
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
    return path


def _edge(mask: Mask) -> Mask:
    """Return the pixels of a mask that have a neighbour outside it."""
    inner = mask.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inner &= np.roll(mask, step, axis)
    return mask & ~inner
