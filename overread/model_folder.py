"""Reads a model folder's ``config.json``: labels, preprocessing, operating points and heat map."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.errors import ModelFolderError, UnknownOperatingPointError
from overread.flips import AS_IT_IS, FLIPPED_AXES
from overread.preprocessing import Preprocessing

CONFIG_FILE = "config.json"
ONNX_FILE = "onnx/model.onnx"
NEEDED_POINTS = ("screening", "rule-in")  # their thresholds separate the three answers
GUARD_FILE = "guard.npz"


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on the calibrated probability, chosen on validation data.

    ``sensitivity`` and ``specificity`` were measured there.
    """

    name: str
    threshold: float
    sensitivity: float
    specificity: float
    rule: str


@dataclass(frozen=True)
class HeatmapSettings:
    """The signed map: cells plus ``bias`` sum to the log-odds; a cell of ``scale`` log-odds is drawn in full colour."""

    layer: str
    bias: float
    scale: float


@dataclass(frozen=True)
class Region:
    """The part of a patch that its label is about: the centre, at a physical scale."""

    spacing_um_per_px: float
    patch_px: int  # side of the patches at that spacing; the net's input size may differ
    labelled_centre_px: int


@dataclass(frozen=True)
class EnsembleSettings:
    """How an ensemble combines its members: log-odds are ``sum(weight * member's log-odds) + intercept``.

    ``members`` maps each member's name to the SHA-256 of its ONNX file, ``weights`` to its weight, 0 or more; a
    member's output is averaged over ``views``.
    """

    members: Mapping[str, str]
    weights: Mapping[str, float]
    intercept: float
    views: Sequence[str] = (AS_IT_IS,)

    def __post_init__(self) -> None:
        """Refuse an ensemble without members, wrong weights, and unknown or missing views."""
        if not self.members:
            raise ValueError("an ensemble has members")
        if set(self.weights) != set(self.members) or min(self.weights.values()) < 0:
            raise ValueError("every member has a weight, 0 or more")
        if not self.views or not set(self.views) <= set(FLIPPED_AXES):
            raise ValueError(f"views are some of {', '.join(FLIPPED_AXES)}")


@dataclass(frozen=True)
class ModelConfig:
    """The content of one model's ``config.json``."""

    architecture: str
    finding: str
    labels: tuple[str, str]
    preprocessing: Preprocessing
    operating_points: Mapping[str, OperatingPoint]
    default_operating_point: str
    heatmap: HeatmapSettings
    region: Region | None
    ensemble: EnsembleSettings | None
    title: str = ""  # for people, where a model is chosen
    summary: str = ""  # likewise, one line

    def operating_point(self, name: str | None) -> OperatingPoint:
        """Return the named operating point, or the default for None.

        Raises:
            UnknownOperatingPointError: if the model has none of that name.
        """
        chosen = self.operating_points.get(name or self.default_operating_point)
        if chosen is None:
            known = ", ".join(self.operating_points)
            raise UnknownOperatingPointError(f"There is no operating point {name!r}: choose one of {known}.")
        return chosen


def read_config(folder: Path) -> ModelConfig:
    """Return the content of ``config.json`` in a model folder.

    Raises:
        ModelFolderError: if the file is missing or lacks an entry or operating point that inference needs.
    """
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        ours: dict[str, Any] = config["overread"]
        points = {name: OperatingPoint(name=name, **values) for name, values in ours["operating_points"].items()}
        read = ModelConfig(
            architecture=config["architecture"],
            finding=ours["finding"],
            labels=tuple(config["label_names"]),
            preprocessing=Preprocessing.from_pretrained_cfg(config["pretrained_cfg"]),
            operating_points=points,
            default_operating_point=ours["default_operating_point"],
            heatmap=HeatmapSettings(**ours["heatmap"]),
            region=Region(**ours["region"]) if ours.get("region") else None,
            ensemble=EnsembleSettings(**ours["ensemble"]) if ours.get("ensemble") else None,
            title=ours.get("title", ""),
            summary=ours.get("summary", ""),
        )
        for name in (None, *NEEDED_POINTS):
            read.operating_point(name)
    except (OSError, ValueError, KeyError, TypeError, UnknownOperatingPointError) as error:
        raise ModelFolderError(f"{folder.name}/{CONFIG_FILE} cannot be used: {error!r}") from error
    return read


def digests_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a model folder that inference needs, by its path in the folder.

    An ensemble has no ONNX file, and not every model has a guard.

    Raises:
        ModelFolderError: if one of the other files is missing or cannot be used.
    """
    net = () if read_config(folder).ensemble else (ONNX_FILE,)
    guard = (GUARD_FILE,) if (folder / GUARD_FILE).is_file() else ()
    return {file: sha256_of(folder / file) for file in (CONFIG_FILE, *net, *guard)}


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file.

    Raises:
        ModelFolderError: if there is no such file.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelFolderError(f"The model folder lacks {path.name}.") from error
