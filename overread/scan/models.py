"""Which model scans, and in which way: the loaded classifier, its geometry and the engine."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import onnxruntime as ort
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from PIL import Image

from overread.classifier import Classifier, load
from overread.errors import ModelFolderError
from overread.model_folder import ONNX_FILE, Region
from overread.scan.dense import DenseEngine
from overread.scan.dynamic_onnx import with_dynamic_size
from overread.scan.engine import CellMap, Engine
from overread.scan.errors import NotScannableError
from overread.scan.exact import ExactEngine
from overread.scan.grid import PatchGrid
from overread.session import session_options

AGREEMENT_FILE = "dense_agreement.json"


@dataclass(frozen=True, eq=False)
class ScanModel:
    """A classifier of patches with what a scan must know of it.

    Attributes:
        classifier: the loaded model.
        region: its patches' size and scale.
        cell: side of a cell of its map, in pixels at the model's scale.
        threads: for one inference.
    """

    classifier: Classifier
    region: Region
    cell: float
    threads: int | None

    @property
    def has_dense(self) -> bool:
        """Whether it is one net."""
        return self.classifier.config.ensemble is None

    @property
    def measured(self) -> dict[str, Any] | None:
        """How near dense answers of this very file are to single ones; None if not measured."""
        return agreement().get(self.classifier.identity.sha256)

    @property
    def is_dense_by_default(self) -> bool:
        """Whether dense answers were measured and found near enough to single ones."""
        return self.has_dense and self.measured is not None and bool(self.measured["dense_by_default"])

    def default_stride(self, dense: bool) -> int:
        """Return the side of the centre that a label is about, for a dense scan down to whole cells."""
        centre = self.region.labelled_centre_px
        return max(1, int(centre // self.cell)) * int(self.cell) if dense else centre

    def engine(self, dense: bool, grid: PatchGrid) -> Engine:
        """Return the engine for a grid of patches.

        Raises:
            NotScannableError: if a dense scan is wanted of an ensemble, or with a stride that does not fit.
            ModelFolderError: if the model's file cannot be loaded.
        """
        cell_map = CellMap(grid, self.cell)
        if not dense:
            return ExactEngine(self.classifier, cell_map)
        if not self.has_dense:
            raise NotScannableError(f"{self.classifier.identity.name} has no dense scan: scan it patch by patch.")
        config = self.classifier.config
        session = dense_session(self.classifier.folder / ONNX_FILE, self.threads)
        measured = self.measured
        recalibration = (measured["slope"], measured["intercept"]) if measured else (1.0, 0.0)
        return DenseEngine(session, config.preprocessing, config.heatmap.bias, cell_map, recalibration)

    def engine_notes(self, dense: bool) -> list[str]:
        """Return what a reader must know of a dense scan's answers."""
        if not dense:
            return []
        measured = self.measured
        if measured is None:
            return ["This is a dense scan, and for this model nobody has measured how near it is to single patches."]
        same = measured["same_decision"]
        return [
            f"This is a dense scan: on mosaics of {measured['patches']} validation patches {100 * same:.1f} % of its "
            f"decisions are those of single patches (AUC {measured['auc_dense']:.3f} and {measured['auc_single']:.3f})."
        ]


def scan_model(model: str | Path | Classifier, threads: int | None = None) -> ScanModel:
    """Return a model ready to scan.

    Args:
        model: a name or domain of the catalogue, a model folder, or a loaded classifier.
        threads: for one inference; default: see ``overread.session.default_threads``.

    Raises:
        UnknownModelError: if the catalogue has no such model.
        ModelFolderError: if its files are incomplete or altered.
        NotScannableError: if it does not answer for patches of a known scale.
    """
    if isinstance(model, Classifier):
        classifier = model
    else:
        classifier = Classifier(model, threads=threads) if isinstance(model, Path) else load(model, threads)
    region = classifier.config.region
    if region is None:
        raise NotScannableError(f"{classifier.identity.name} answers for whole images: only models of patches scan.")
    blank = Image.new("RGB", (region.patch_px, region.patch_px), "white")
    cells = classifier.evidence([blank]).heatmap.shape[-1]
    return ScanModel(classifier, region, region.patch_px / cells, threads)


def dense_session(path: Path, threads: int | None) -> ort.InferenceSession:
    """Return a session of the file that takes inputs of any size.

    Raises:
        ModelFolderError: if the file cannot be loaded so.
    """
    try:
        return ort.InferenceSession(
            with_dynamic_size(path), session_options(threads), providers=["CPUExecutionProvider"]
        )
    except DecodeError as error:
        raise ModelFolderError(f"The model file {path.name} is damaged: {error}") from error
    except Exception as error:  # onnxruntime's exceptions share no base class but Exception
        raise ModelFolderError(f"The model file {path.name} cannot be loaded: {error}") from error


@cache
def agreement() -> dict[str, dict[str, Any]]:
    """Return what ``python -m benchmarks.scan_agreement`` measured, by the SHA-256 of the ONNX file."""
    return json.loads((resources.files("overread.scan") / AGREEMENT_FILE).read_text(encoding="utf-8"))
