"""How much an answer depends on how a film was cropped, which in the children's set alone predicts the class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from overread.probability import sigmoid
from training.measure.intervals import Floats, proportion
from training.measure.ranking import Labels, area_under_roc
from training.measure.resampling import LogOddsOf

KEPT = 0.8  # of the height, or of the width; a tenth is cut off on either side
CROPS: Mapping[str, tuple[float, float]] = {"top and bottom": (1.0, KEPT), "sides": (KEPT, 1.0)}
BATCH = 32


def crop_centre(image: Image.Image, kept: tuple[float, float]) -> Image.Image:
    """Return the middle of an image: fractions of its width and of its height."""
    width, height = (round(fraction * side) for fraction, side in zip(kept, image.size, strict=True))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def measure_cropping(
    log_odds_of: LogOddsOf, films: Sequence[Image.Image], labels: Labels, whole: Floats, threshold: float
) -> dict[str, Any]:
    """Return how answers change where a fifth of the height, or of the width, is cut off, half on either side.

    ``flipped`` is the share of decisions that change. ``auc_against_proportions`` is the AUC where the films with the
    finding are cropped to be narrower and those without it to be wider, against what the data set teaches.

    Args:
        log_odds_of: of RGB images.
        films: (N,) RGB.
        labels: (N,) 0 or 1.
        whole: (N,) log-odds of the films as they are.
        threshold: on the probability, which decides.
    """
    found: dict[str, Any] = {}
    log_odds: dict[str, Floats] = {}
    before = sigmoid(whole) >= threshold
    for name, kept in CROPS.items():
        cropped = log_odds[name] = np.concatenate(
            [
                log_odds_of([crop_centre(film, kept) for film in films[start : start + BATCH]])
                for start in range(0, len(films), BATCH)
            ]
        )
        after, change = sigmoid(cropped) >= threshold, cropped - whole
        found[name] = {
            "auc": area_under_roc(labels, cropped),
            "flipped": proportion(int((after != before).sum()), len(films)),
            "sensitivity": proportion(int(after[labels == 1].sum()), int((labels == 1).sum())),
            "specificity": proportion(int((~after)[labels == 0].sum()), int((labels == 0).sum())),
            "change_without_finding": float(change[labels == 0].mean()),
            "change_with_finding": float(change[labels == 1].mean()),
        }
    against = np.where(labels == 1, log_odds["sides"], log_odds["top and bottom"])
    return {
        "kept": KEPT,
        "images": len(films),
        "threshold": threshold,
        "crops": found,
        "auc_against_proportions": area_under_roc(labels, against),
    }
