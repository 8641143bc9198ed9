"""One ONNX file with the preprocessing it was trained with: images in, signed evidence out."""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from PIL import Image

from overread.evidence import Evidence, average
from overread.flips import AS_IT_IS, flip
from overread.preprocessing import Preprocessing
from overread.probability import log_odds
from overread.session import Float32, OnnxSession


class Net:
    """A session and its preprocessing; safe to use from several threads."""

    def __init__(self, session: OnnxSession, preprocessing: Preprocessing) -> None:
        """Join the two."""
        self.session = session
        self.preprocessing = preprocessing

    def evidence(self, images: Sequence[Image.Image], views: Sequence[str] = (AS_IT_IS,)) -> Evidence:
        """Return the evidence in RGB images of any size, averaged over views; see ``overread.flips``."""
        started = perf_counter()
        pixel_values = self.preprocessing(images)  # (N, 3, H, W) float32
        preprocess_ms = (perf_counter() - started) * 1000
        mean = average([self._in_view(pixel_values, view) for view in views])
        return replace(mean, preprocess_ms=preprocess_ms)

    def _in_view(self, pixel_values: Float32, view: str) -> Evidence:
        started = perf_counter()
        outputs = self.session.run(flip(pixel_values, view))
        return Evidence(
            log_odds=log_odds(outputs.logits),
            heatmap=flip(outputs.heatmap, view),  # back to the image's own orientation
            preprocess_ms=0.0,
            inference_ms=(perf_counter() - started) * 1000,
        )
