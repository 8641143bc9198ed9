"""One ONNX file with the preprocessing it was trained with: pictures in, signed evidence out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import numpy.typing as npt
from PIL import Image

from models.preprocessing import Preprocessing
from models.session import Float32, OnnxSession, Outputs


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a model finds in a batch: ``heatmap.sum((1, 2)) + bias == log_odds``.

    Attributes:
        log_odds: (N,) float64, calibrated, of the finding.
        heatmap: (N, h, w) float32, log-odds by cell.
        preprocess_ms: wall-clock time of the whole batch.
        inference_ms: likewise.
        members: (N,) float64 calibrated log-odds by name of an ensemble's member; empty for one net.
    """

    log_odds: npt.NDArray[np.float64]
    heatmap: Float32
    preprocess_ms: float
    inference_ms: float
    members: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)


class Net:
    """A session and its preprocessing; safe to use from several threads."""

    def __init__(self, session: OnnxSession, preprocessing: Preprocessing) -> None:
        """Join the two."""
        self.session = session
        self.preprocessing = preprocessing

    def evidence(self, pictures: Sequence[Image.Image], symmetries: int = 1) -> Evidence:
        """Return the evidence in RGB pictures.

        Args:
            pictures: RGB, of any size.
            symmetries: 8 averages over the turns and reflections of the square, which say the same to a pathologist.
        """
        started = perf_counter()
        pixel_values = self.preprocessing(pictures)  # (N, 3, H, W) float32
        preprocessed = perf_counter()
        views = [_turned_back(self.session.run(view), turn) for turn, view in _views(pixel_values, symmetries)]
        logits = np.stack([view.logits for view in views]).mean(0, dtype=np.float64)  # (N, 2)
        heatmap = np.stack([view.heatmap for view in views]).mean(0)  # (N, h, w)
        return Evidence(
            log_odds=logits[:, 1] - logits[:, 0],
            heatmap=heatmap,
            preprocess_ms=(preprocessed - started) * 1000,
            inference_ms=(perf_counter() - preprocessed) * 1000,
        )


def _views(pixel_values: Float32, symmetries: int) -> Iterator[tuple[int, Float32]]:
    """The first ``symmetries`` of: four right angles, then the same four mirrored."""
    for turn in range(symmetries):
        turned: Float32 = np.rot90(pixel_values, turn % 4, axes=(2, 3))
        yield turn, np.ascontiguousarray(turned[..., ::-1] if turn >= 4 else turned)


def _turned_back(outputs: Outputs, turn: int) -> Outputs:
    upright = outputs.heatmap[..., ::-1] if turn >= 4 else outputs.heatmap
    return Outputs(outputs.logits, np.rot90(upright, -(turn % 4), axes=(1, 2)), outputs.embedding)
