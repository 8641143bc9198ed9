"""The answer to one picture."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.model_folder import OperatingPoint

DISCLAIMER = "For research and education only; not a medical device."


@dataclass(frozen=True)
class Milliseconds:
    """Wall-clock time of each step; in a batch, inference is the batch's time divided by its pictures."""

    decode: float
    preprocess: float
    inference: float
    overlay: float


@dataclass(frozen=True)
class ModelIdentity:
    """Which model answered: ``sha256`` is of the ONNX file, ``source`` is "hub" or "bundled"."""

    name: str
    revision: str
    sha256: str
    source: str


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says about one picture, how sure it is, what that means, and where it looked.

    Attributes:
        finding: what was looked for, such as "pneumonia".
        probability: calibrated probability of the finding, 0..1.
        probabilities: calibrated probability by class label; they sum to 1.
        members: calibrated probability by an ensemble's member; empty for one net.
        log_odds: ``log(p / (1 - p))`` of the finding.
        positive: whether ``probability`` reaches the operating point's threshold.
        decision: the label that follows from that.
        operating_point: the threshold that was used, and what it reached on validation data.
        heatmap: (h, w) float32, signed evidence in log-odds. ``heatmap.sum() + heatmap_bias == log_odds``.
        heatmap_bias: the part of the log-odds that belongs to no place in the picture.
        overlay: RGB picture with the heat map drawn over the input.
        picture: the input as decoded, RGB, at the overlay's size; where the label speaks about the centre only, both
            have it outlined.
        notes: what the reader should know of how the picture was read.
        model: which model and revision answered.
        milliseconds: time spent in each step.
    """

    finding: str
    probability: float
    probabilities: dict[str, float]
    members: dict[str, float]
    log_odds: float
    positive: bool
    decision: str
    operating_point: OperatingPoint
    heatmap: npt.NDArray[np.float32]
    heatmap_bias: float
    overlay: Image.Image
    picture: Image.Image
    notes: tuple[str, ...]
    model: ModelIdentity
    milliseconds: Milliseconds

    def to_json(self) -> dict[str, Any]:
        """Return everything but the pixels as a dict that ``json.dumps`` takes; the heat map as a list of rows."""
        return {
            "finding": self.finding,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "members": self.members,
            "log_odds": self.log_odds,
            "positive": self.positive,
            "decision": self.decision,
            "operating_point": asdict(self.operating_point),
            "heatmap": {
                "shape": list(self.heatmap.shape),
                "unit": "log-odds",
                "bias": self.heatmap_bias,
                "values": np.round(self.heatmap.astype(np.float64), 6).tolist(),
            },
            "notes": list(self.notes),
            "model": asdict(self.model),
            "milliseconds": {step: round(value, 2) for step, value in asdict(self.milliseconds).items()},
            "disclaimer": DISCLAIMER,
        }
