"""The external test: adults' films that radiologists read for RSNA; nothing is trained or chosen on it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset, load_dataset

from overread.model_folder import OperatingPoint
from training.measure.intervals import SEED, Floats, proportion
from training.measure.ranking import area_under_roc

DATASET = "nih-chest-xray-rsna-read"
CITATION = "NIH ChestX-ray14 (Wang et al. 2017), read by radiologists for the RSNA challenge (Shih et al. 2019)"
OPACITY, NORMAL, NEITHER = "Lung Opacity", "Normal", "No Lung Opacity / Not Normal"
READINGS = {"opacity": OPACITY, "normal": NORMAL, "neither": NEITHER}
ALL_VIEWS = "all"

Names = npt.NDArray[np.str_]


def load_external(folder: Path | str) -> Dataset:
    """Return the films with columns ``image``, ``labels`` (1 = lung opacity), ``reading`` and ``view``.

    Args:
        folder: the data set's folder, or its id on the Hub.
    """
    columns = ["image", "label", "reading", "view"]
    return load_dataset(str(folder), split="train").select_columns(columns).rename_column("label", "labels")


def measure_external(
    readings: Names, views: Names, probabilities: Floats, points: Sequence[OperatingPoint], seed: int = SEED
) -> dict[str, Any]:
    """Return the figures of films with one of three readings, of all films and within each view.

    Opacity is compared with normal films, and with the rest, which has other disease in it. An AUC is None where a
    class has no film.

    Args:
        readings: (N,) values of ``READINGS``.
        views: (N,) such as "AP".
        probabilities: (N,) of the finding.
        points: chosen on other films.
        seed: of the bootstrap.
    """
    strata = {ALL_VIEWS: np.ones(len(views), bool), **{str(view): views == view for view in np.unique(views)}}
    opacity, normal = readings == OPACITY, readings == NORMAL

    def auc(against: npt.NDArray[np.bool_]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, of_view in strata.items():
            chosen = of_view & (opacity | against)
            classes = opacity[chosen].astype(np.int64)
            both = 0 < classes.sum() < len(classes)
            found[name] = area_under_roc(classes, probabilities[chosen], seed) if both else None
        return found

    def rate(films: npt.NDArray[np.bool_], hits: npt.NDArray[np.bool_]) -> dict[str, Any]:
        return {
            name: proportion(int((films & hits & of_view).sum()), int((films & of_view).sum()))
            for name, of_view in strata.items()
        }

    at_points = {}
    for point in points:
        called = probabilities >= point.threshold
        at_points[point.name] = {
            "threshold": point.threshold,
            "sensitivity": rate(opacity, called),
            "specificity_normal": rate(normal, ~called),
            "specificity_rest": rate(~opacity, ~called),
        }
    return {
        "dataset": DATASET,
        "images": {
            name: {key: int((of_view & (readings == reading)).sum()) for key, reading in READINGS.items()}
            for name, of_view in strata.items()
        },
        "auc": {"opacity_vs_normal": auc(normal), "opacity_vs_rest": auc(~opacity)},
        "operating_points": at_points,
    }
