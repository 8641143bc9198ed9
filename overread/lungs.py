"""Where the lungs are in a chest film, and how much of a model's evidence lies inside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.contours import Polygon, outlines
from overread.guard import LEAST_LUNGS
from overread.hub import ModelSource
from overread.model_folder import ONNX_FILE
from overread.session import Float32, OnFirstUse, open_session

SIDE = 112  # input and output height and width of the lung net, px
LUNG = 0.5  # probability from which a pixel counts as lung
NOT_FOUND = "No lungs were found in this picture"
OUTLINE_TOLERANCE = 0.004  # of the picture's side: about half a pixel of the lung net
LEAST_REGION = 0.005  # of the picture: smaller regions are not outlined


@dataclass(frozen=True, eq=False)
class Lungs:
    """The lungs in one picture, what lies behind the heart included.

    Attributes:
        area: share of the picture, 0..1. Below ``overread.guard.LEAST_LUNGS`` no lungs were found.
        evidence_inside: share of the evidence for the finding, the positive part of the signed map, that lies in the
            lungs, 0..1; None where there is no such evidence or no lungs were found. By chance it is ``area``.
        outline: polygons, (N, 2) x and y as fractions of the picture's width and height; mostly two, and none where no
            lungs were found.
    """

    area: float
    evidence_inside: float | None
    outline: tuple[Polygon, ...]

    @property
    def found(self) -> bool:
        """Whether lungs were found, by the guard's measure."""
        return self.area >= LEAST_LUNGS

    @property
    def sentence(self) -> str:
        """How much of the evidence lies in the lungs, for people; "" where there is no evidence for the finding."""
        if not self.found:
            return NOT_FOUND
        if self.evidence_inside is None:
            return ""
        return f"{100 * self.evidence_inside:.0f} % of the evidence lies in the lungs"

    def to_json(self) -> dict[str, Any]:
        """Return a dict that ``json.dumps`` takes."""
        return {
            "area": round(self.area, 4),
            "evidence_inside": None if self.evidence_inside is None else round(self.evidence_inside, 4),
            "outline": [np.round(polygon, 4).tolist() for polygon in self.outline],
        }


class LungNet:
    """An ONNX session that finds lungs; safe to use from several threads."""

    def __init__(self, source: ModelSource, threads: int | None = None) -> None:
        """Load ``onnx/model.onnx``, with input ``film`` (N, 1, 112, 112) in 0..1 and output ``lungs`` (N, 112, 112).

        That is done at the first use, which raises ``ModelFolderError`` if the file cannot be loaded.

        Args:
            source: the lung net's folder.
            threads: for one inference (default: ``overread.session.default_threads()``).
        """
        self.name = source.name
        self._opened = OnFirstUse(partial(open_session, source.folder / ONNX_FILE, threads))

    def __call__(self, images: Sequence[Image.Image]) -> Float32:
        """Return (N, 112, 112) float32, the probability that a pixel shows lung, of images in RGB or L of any size."""
        films = np.stack([_film(image) for image in images])[:, None]
        lungs: Float32 = self._opened().run(["lungs"], {"film": films})[0]
        return lungs


class SeenLungs:
    """The lungs in one picture: the net runs when somebody first asks, and once."""

    def __init__(self, net: LungNet, picture: Image.Image) -> None:
        """Remember both.

        Args:
            net: finds lungs.
            picture: RGB or L, of any size.
        """
        self._net, self._picture = net, picture

    @cached_property
    def probability(self) -> Float32:
        """(112, 112), the probability that a pixel shows lung."""
        return self._net([self._picture])[0]

    @property
    def area(self) -> float:
        """The share of the picture that is lung, 0..1."""
        return lung_area(self.probability)

    def area_when_turned(self, turn: Image.Transpose) -> float:
        """Return the share of the picture that is lung once it is turned, 0..1."""
        return lung_area(self._net([_small(self._picture).transpose(turn)])[0])


def lungs_of(probability: npt.NDArray[np.floating], heatmap: npt.NDArray[np.floating]) -> Lungs:
    """Return the lungs in a picture and the share of the evidence inside.

    Args:
        probability: (H, W) of lung, from ``LungNet``.
        heatmap: (h, w) log-odds by cell; a cell counts with the part of it that is lung.
    """
    area = lung_area(probability)
    if area < LEAST_LUNGS:
        return Lungs(area, evidence_inside=None, outline=())
    inside = (probability >= LUNG).astype(np.float32)
    rows, columns = heatmap.shape
    part = np.asarray(Image.fromarray(inside).resize((columns, rows), Image.Resampling.BOX))  # (h, w) in 0..1
    positive = np.maximum(heatmap, 0)
    total = float(positive.sum())
    return Lungs(
        area=area,
        evidence_inside=float((positive * part).sum()) / total if total > 0 else None,
        outline=tuple(outlines(probability, LUNG, OUTLINE_TOLERANCE, LEAST_REGION)),
    )


def lung_area(probability: npt.NDArray[np.floating]) -> float:
    """Return the share of a picture that is lung, from the probability of each pixel, (H, W)."""
    return float((probability >= LUNG).mean())


def _film(image: Image.Image) -> Float32:
    """Return (112, 112) float32 grey levels in 0..1."""
    return np.asarray(_small(image).convert("L"), np.float32) / np.float32(255)


def _small(image: Image.Image) -> Image.Image:
    """Return the image squashed to 112 x 112 px; a large film is first reduced by whole numbers, for speed."""
    return image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0)
