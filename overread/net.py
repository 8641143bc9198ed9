"""One ONNX file with the preprocessing it was trained with: pictures in, signed evidence out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.preprocessing import Preprocessing
from overread.session import Float32, OnnxSession
from overread.views import AS_IT_IS, flip


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

    def evidence(self, pictures: Sequence[Image.Image], views: Sequence[str] = (AS_IT_IS,)) -> Evidence:
        """Return the evidence in RGB pictures of any size, the mean over views; see ``overread.views``."""
        started = perf_counter()
        pixel_values = self.preprocessing(pictures)  # (N, 3, H, W) float32
        preprocessed = perf_counter()
        outputs = [self.session.run(flip(pixel_values, view)) for view in views]
        logits = np.stack([output.logits for output in outputs]).mean(axis=0, dtype=np.float64)  # (N, 2)
        heatmaps = [flip(output.heatmap, view) for output, view in zip(outputs, views, strict=True)]
        return Evidence(
            log_odds=logits[:, 1] - logits[:, 0],
            heatmap=np.stack(heatmaps).mean(axis=0),
            preprocess_ms=(preprocessed - started) * 1000,
            inference_ms=(perf_counter() - preprocessed) * 1000,
        )
