"""One model, loaded: pictures in, predictions out."""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from models.catalogue import entry, namespace
from models.folder import ONNX_FILE, ModelConfig, read_config, sha256_of
from models.heatmaps import display_size, draw_overlay, outline_centre
from models.hub import locate
from models.images import DecodedImage, ImageSource, decode
from models.prediction import Milliseconds, ModelIdentity, Prediction
from models.session import OnnxSession, Outputs

BATCH_SIZE = 16


def load(name: str, threads: int | None = None) -> "Classifier":
    """Return the catalogue's model of that name, ready to predict.

    Args:
        name: as in ``models.names()``.
        threads: for one inference; default: see ``models.session.default_threads``.

    Raises:
        UnknownModelError: if the catalogue has no such model.
        ModelFolderError: if its files are incomplete or altered.
    """
    source = locate(entry(name), namespace())
    return Classifier(source.folder, threads, name, source.revision, source.origin, source.note)


class Classifier:
    """A model folder with its ONNX session; ``predict`` may be called from several threads at once."""

    def __init__(
        self,
        folder: Path | str,
        threads: int | None = None,
        name: str | None = None,
        revision: str = "local",
        origin: str = "local",
        note: str | None = None,
    ) -> None:
        """Load a model folder: ``config.json`` and ``onnx/model.onnx``.

        Args:
            folder: the model folder.
            threads: for one inference; default: see ``models.session.default_threads``.
            name: what predictions call the model; default: the folder's name.
            revision: what predictions report as the model's revision.
            origin: where the folder comes from: "hub", "bundled" or "local".
            note: one sentence to show wherever the model answers, such as why the Hub did not serve.

        Raises:
            ModelFolderError: if the folder is incomplete or breaks the ONNX contract.
        """
        folder = Path(folder)
        self.config: ModelConfig = read_config(folder)
        self.identity = ModelIdentity(name or folder.name, revision, sha256_of(folder / ONNX_FILE), origin)
        self.note = note
        self._session = OnnxSession(folder / ONNX_FILE, threads)

    def warm_up(self) -> None:
        """Run once on an empty picture, so that the first visitor does not wait for memory to be laid out."""
        shape = (1, 3, self.config.preprocessing.height, self.config.preprocessing.width)
        self._session.run(np.zeros(shape, np.float32))

    def predict(self, image: ImageSource, operating_point: str | None = None, smooth: bool = True) -> Prediction:
        """Return the answer for one picture.

        Args:
            image: a path, bytes, a binary file object, a PIL image or a uint8 array; see ``models.images.decode``.
            operating_point: which threshold decides; default: the model's own choice.
            smooth: interpolate the drawn heat map; else the overlay shows the model's own grid.

        Raises:
            InputError: its subclasses say what is wrong with the image or the operating point.
        """
        return self.predict_batch([image], operating_point, smooth)[0]

    def predict_batch(
        self, images: Sequence[ImageSource], operating_point: str | None = None, smooth: bool = True
    ) -> list[Prediction]:
        """Return one answer per picture, in order; arguments and errors as for ``predict``.

        The first picture that cannot be read ends the whole batch: call ``predict`` one by one to skip such pictures.
        """
        self.config.operating_point(operating_point)  # a wrong name costs no decoding
        predictions: list[Prediction] = []
        for start in range(0, len(images), BATCH_SIZE):
            predictions += self._predict_chunk(images[start : start + BATCH_SIZE], operating_point, smooth)
        return predictions

    def _predict_chunk(
        self, images: Sequence[ImageSource], operating_point: str | None, smooth: bool
    ) -> list[Prediction]:
        decoded, decode_ms = [], []
        for image in images:
            started = perf_counter()
            decoded.append(decode(image))
            decode_ms.append(_ms_since(started))
        started = perf_counter()
        pixel_values = self.config.preprocessing([image.picture for image in decoded])  # (N, 3, H, W) float32
        preprocess_ms = _ms_since(started) / len(decoded)
        started = perf_counter()
        outputs = self._session.run(pixel_values)
        inference_ms = _ms_since(started) / len(decoded)
        return [
            self._answer(image, outputs, row, operating_point, smooth, (decode_ms[row], preprocess_ms, inference_ms))
            for row, image in enumerate(decoded)
        ]

    def _answer(
        self,
        image: DecodedImage,
        outputs: Outputs,
        row: int,
        operating_point: str | None,
        smooth: bool,
        milliseconds: tuple[float, float, float],
    ) -> Prediction:
        config, point = self.config, self.config.operating_point(operating_point)
        logits = outputs.logits[row].astype(np.float64)  # (2,)
        log_odds = float(logits[1] - logits[0])
        probability = float(1 / (1 + np.exp(-log_odds)))
        positive = probability >= point.threshold
        started = perf_counter()
        picture = image.picture.resize(display_size(image.picture.size))
        box = config.region and config.region.labelled_centre_px / config.preprocessing.width * picture.width
        overlay = draw_overlay(picture, outputs.heatmap[row], config.heatmap.scale, smooth)
        if box:
            picture, overlay = outline_centre(picture, box), outline_centre(overlay, box)
        return Prediction(
            finding=config.finding,
            probability=probability,
            probabilities={config.labels[0]: 1 - probability, config.labels[1]: probability},
            log_odds=log_odds,
            positive=positive,
            decision=config.labels[int(positive)],
            operating_point=point,
            heatmap=outputs.heatmap[row],
            heatmap_bias=config.heatmap.bias,
            overlay=overlay,
            picture=picture,
            notes=image.notes + self._scale_notes(image),
            model=self.identity,
            milliseconds=Milliseconds(*milliseconds, overlay=_ms_since(started)),
        )

    def _scale_notes(self, image: DecodedImage) -> tuple[str, ...]:
        """A patch model answers for its own physical scale only: say so when the picture is not such a patch."""
        wanted, region = self.config.preprocessing, self.config.region
        if not region or image.picture.size == (wanted.width, wanted.height):
            return ()
        width, height = image.picture.size
        return (
            f"The picture is {width} x {height} px and was squashed to {wanted.width} x {wanted.height} px; the model "
            f"knows patches of {wanted.width} px at {region.spacing_um_per_px} µm/px, so cells may look too small or "
            "too large to it.",
        )


def _ms_since(started: float) -> float:
    return (perf_counter() - started) * 1000
