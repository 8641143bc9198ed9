"""The plots of a model card, from the predictions and figures of an evaluation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overread.model_folder import ModelConfig, OperatingPoint
from overread.probability import sigmoid
from training.measure import plots
from training.measure.calibration import Calibration
from training.measure.predictions import Part, Predictions
from training.measure.selective import risks, three_answers

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]
SPLITS: tuple[Part, Part] = ("validation", "test")


def uncalibrated(predictions: Predictions, calibration: Calibration) -> npt.NDArray[np.float64]:
    """Return (N,) the probabilities before calibration."""
    return sigmoid((predictions.log_odds - calibration.intercept) / calibration.slope)


def draw(
    result: dict[str, Any],
    parts: Mapping[Part, Predictions],
    config: ModelConfig,
    calibration: Calibration,
    to: Path,
) -> None:
    """Write the plots of the model card into a folder.

    Args:
        result: what ``evaluate`` returns.
        parts: the predictions.
        config: the model's, with its operating points.
        calibration: folded into the predictions.
        to: the folder, made where missing.
    """
    to.mkdir(exist_ok=True)
    shown: dict[str, tuple[Labels, Floats]] = {
        part: (made.labels, made.probabilities) for part, made in parts.items() if part != "corrupted"
    }
    points = config.operating_points
    plots.roc_and_pr(shown, list(points.values()), to / "roc.png")
    calibrations: dict[str, tuple[Labels, Floats]] = {}
    for part in SPLITS:
        calibrations[f"{part}, before calibration"] = (parts[part].labels, uncalibrated(parts[part], calibration))
        calibrations[part] = shown[part]
    plots.reliability(calibrations, to / "reliability.png")
    plots.confusions(result["splits"]["test"]["operating_points"], to / "confusion.png")
    orders = ("deletion", "insertion", "random_deletion", "random_insertion")
    means = {order.replace("_", " "): np.asarray(result["perturbation"][order]["probabilities"]) for order in orders}
    plots.curves(means, to / "perturbation.png")
    threshold = config.operating_point(None).threshold
    plots.risk_coverage(
        {part: risks(parts[part].labels, parts[part].log_odds, threshold) for part in SPLITS},
        {part: _answers(parts[part], points) for part in SPLITS},
        to / "risk_coverage.png",
    )


def _answers(made: Predictions, points: Mapping[str, OperatingPoint]) -> tuple[float, float]:
    """Return the share of the images that get an answer, and the share of the answers that are wrong."""
    found = three_answers(made.labels, made.probabilities, points)
    return found["answered"]["value"], 1 - found["accuracy"]["value"] if found["accuracy"] else 0.0
