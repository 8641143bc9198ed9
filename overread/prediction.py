"""The answer for one image."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.guard import Verdict
from overread.heatmap_drawing import Drawing
from overread.lungs import Lungs
from overread.model_folder import OperatingPoint
from overread.reading import Reading

SCHEMA_VERSION = 1  # of to_json(): raised when a field is removed, renamed or changes its meaning
DISCLAIMER = "For research and education only; not a medical device."


@dataclass(frozen=True)
class Milliseconds:
    """Wall-clock time of each step; in a batch, inference is the batch's time divided by its number of images.

    The lung net runs for the guard; ``lungs`` is for outline and evidence. ``overlay`` is 0 until the overlay is asked
    for, which draws it.
    """

    decode: float
    guard: float
    lungs: float
    preprocess: float
    inference: float
    overlay: float = 0.0


@dataclass(frozen=True)
class ModelIdentity:
    """Which model answered.

    ``sha256`` is of the ONNX file, or of an ensemble's ``config.json``; ``source`` is "hub", "bundled" or "local".
    """

    name: str
    revision: str
    sha256: str
    source: str


@dataclass(frozen=True, eq=False)
class Prediction:
    """A model's answer for one image: probability, decision and evidence.

    Attributes:
        finding: such as "pneumonia".
        probability: calibrated probability of the finding, 0..1.
        probabilities: calibrated probability by class label; they sum to 1.
        members: calibrated probability by name of an ensemble's member; empty for one net.
        log_odds: ``log(p / (1 - p))`` of the finding.
        reading: one of three answers, from the screening and the rule-in threshold.
        members_disagree: whether an ensemble's members fall on different sides of the operating point's threshold.
        positive: whether ``probability`` reaches the operating point's threshold.
        decision: what follows from ``positive`` in words: a class label, "not ruled in" or "not ruled out"; see
            ``overread.reading.decide``.
        operating_point: the threshold that was used, with its sensitivity and specificity on validation data.
        heatmap: (h, w) float32, signed evidence in log-odds. ``heatmap.sum() + heatmap_bias == log_odds``.
        heatmap_bias: the part of the log-odds that belongs to no cell.
        lungs: where the lungs are and how much of the evidence lies inside; None where no lung net looked.
        drawing: the input and its heat map as ``picture`` and ``overlay``, which are drawn when asked for.
        guard: whether the image is of the kind that the model learned from; None if the model has no guard.
        notes: what the reader should know of how the image was read, the guard's warning first.
        model: which model and revision answered.
        computed_in: time spent in each step before the overlay; see ``milliseconds``.
        image_sha256: identifies the input; see ``overread.images.DecodedImage``.
        image_sha256_of: whether that is the digest of the file's bytes ("file") or of its RGB pixels ("pixels").
    """

    finding: str
    probability: float
    probabilities: dict[str, float]
    members: dict[str, float]
    log_odds: float
    reading: Reading
    members_disagree: bool
    positive: bool
    decision: str
    operating_point: OperatingPoint
    heatmap: npt.NDArray[np.float32]
    heatmap_bias: float
    lungs: Lungs | None
    drawing: Drawing
    guard: Verdict | None
    notes: tuple[str, ...]
    model: ModelIdentity
    computed_in: Milliseconds
    image_sha256: str
    image_sha256_of: Literal["file", "pixels"]

    @property
    def picture(self) -> Image.Image:
        """The input as decoded, RGB, at the overlay's size; the centre is outlined where the label is about it only."""
        return self.drawing.picture

    @property
    def overlay(self) -> Image.Image:
        """``picture`` with the heat map over it, and the outline of the lungs where they were found."""
        return self.drawing.overlay

    @property
    def milliseconds(self) -> Milliseconds:
        """Time spent in each step so far."""
        return replace(self.computed_in, overlay=self.drawing.milliseconds)

    def to_json(self, grid: bool = True) -> dict[str, Any]:
        """Return everything but the pixels as a dict that ``json.dumps`` takes.

        Args:
            grid: include the heat map's cells, as a list of rows; else only its shape, unit and bias.
        """
        cells = {"values": np.round(self.heatmap.astype(np.float64), 6).tolist()} if grid else {}
        return {
            "finding": self.finding,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "members": self.members,
            "log_odds": self.log_odds,
            "reading": {**asdict(self.reading), "members_disagree": self.members_disagree},
            "positive": self.positive,
            "decision": self.decision,
            "operating_point": asdict(self.operating_point),
            "heatmap": {
                "shape": list(self.heatmap.shape),
                "unit": "log-odds",
                "bias": self.heatmap_bias,
                **cells,
            },
            "lungs": self.lungs and self.lungs.to_json(),
            "guard": self.guard and self.guard.to_json(),
            "notes": list(self.notes),
            "model": asdict(self.model),
            "milliseconds": {step: round(value, 2) for step, value in asdict(self.milliseconds).items()},
            "disclaimer": DISCLAIMER,
            "schema_version": SCHEMA_VERSION,
            "image_sha256": self.image_sha256,
            "image_sha256_of": self.image_sha256_of,
        }
