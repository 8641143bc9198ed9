"""What a scan will do, known before it starts: scale, tissue, patches, engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.classifier import Classifier
from overread.scale import Scale
from overread.scan.engine import CellMap, Engine
from overread.scan.errors import NotScannableError
from overread.scan.familiarity import Familiarity, sample_patches
from overread.scan.grid import Doubles, PatchGrid, Tile
from overread.scan.models import ScanModel, scan_model
from overread.scan.opening import SlideSource, open_slide
from overread.scan.progress import Reporter
from overread.scan.resampled import Resampled
from overread.scan.slide import Slide
from overread.scan.survey import Survey, survey

MIN_TISSUE = 0.05  # of the pixels a patch owns: below, it is background


@dataclass(frozen=True, eq=False)
class Plan:
    """A scan that is ready to run; it holds the slide open, so use it as a context manager.

    Attributes:
        name: of the slide.
        survey: the open slide, its scale and its tissue.
        model: what scans.
        grid: the patches.
        cell_map: the cells of the evidence map.
        engine: exact or dense.
        tissue_mm2: (rows, columns) float64, tissue that each patch owns.
        wanted: (rows, columns) bool, the patches that are answered.
        tiles: the blocks with any such patch.
        familiarity: the guard's verdict on a sample of these patches; None if the model has no guard.
        notes: what a reader of the result should know.
        identity: what makes two scans the same for a checkpoint.
    """

    name: str
    survey: Survey
    model: ScanModel
    grid: PatchGrid
    cell_map: CellMap
    engine: Engine
    tissue_mm2: Doubles
    wanted: npt.NDArray[np.bool_]
    tiles: tuple[Tile, ...]
    familiarity: Familiarity | None
    notes: tuple[str, ...]
    identity: Mapping[str, Any]

    @property
    def slide(self) -> Slide:
        """The open slide."""
        return self.survey.slide

    @property
    def scale(self) -> Scale:
        """Its um/px at full resolution."""
        return self.survey.scale

    @property
    def view(self) -> Resampled:
        """The slide at the model's scale."""
        return self.survey.view

    @property
    def patches(self) -> int:
        """How many patches will be answered."""
        return int(self.wanted.sum())

    @property
    def megapixels(self) -> float:
        """Tissue that will be read, in millions of pixels at the model's scale."""
        spacing = self.model.region.spacing_um_per_px
        return float(self.tissue_mm2[self.wanted].sum()) / spacing**2

    def __enter__(self) -> "Plan":
        """Return the plan."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the slide."""
        self.slide.close()


def prepare(
    source: SlideSource | Slide,
    model: str | Path | Classifier | ScanModel,
    mpp: float | tuple[float, float] | None = None,
    exact: bool | None = None,
    stride: int | None = None,
    threads: int | None = None,
    reporter: Reporter | None = None,
) -> Plan:
    """Return the plan of a scan: opens the slide, finds its scale and its tissue, and answers no patch yet.

    Args:
        source: a path to a slide or image, a PIL image, or an open slide.
        model: a name of the catalogue, a model folder, or what is loaded already.
        mpp: um/px of the full resolution, or (across, down); default: what the file says.
        exact: patch by patch (True) or dense (False); default: dense where that was measured to agree.
        stride: between patches, in pixels at the model's scale; default: the side of the centre that labels are about.
        threads: for one inference.
        reporter: may stop the reading of the overview.

    Raises:
        InputError: its subclasses say what is wrong with the file, the scale or the settings.
        ModelFolderError: if the model cannot be loaded.
    """
    ready = model if isinstance(model, ScanModel) else scan_model(model, threads)
    _check_stride(stride, ready)
    dense = ready.is_dense_by_default if exact is None else not exact
    slide = source if isinstance(source, Slide) else open_slide(source)
    try:
        found = survey(slide, ready.region, mpp, reporter.stop_if_cancelled if reporter else lambda: None)
        return _plan(found, source, ready, dense, stride or ready.default_stride(dense))
    except BaseException:
        if slide is not source:
            slide.close()
        raise


def with_stride(plan: Plan, stride: int) -> Plan:
    """Return the plan with patches at another distance; nothing is read again.

    Raises:
        NotScannableError: if the stride does not fit the model.
    """
    _check_stride(stride, plan.model)
    return _plan(plan.survey, plan.slide, plan.model, plan.engine.name == "dense", stride, plan)


def _check_stride(stride: int | None, model: ScanModel) -> None:
    if stride is not None and not 1 <= stride <= model.region.patch_px:
        raise NotScannableError(f"The stride must be 1 to {model.region.patch_px} px, a patch's side, not {stride}.")


def _plan(
    found: Survey, source: SlideSource | Slide, model: ScanModel, dense: bool, stride: int, before: Plan | None = None
) -> Plan:
    """Lay the patches; ``before``, if given, is a plan of the same slide, whose verdict of the guard is taken over."""
    slide, view, region = found.slide, found.view, model.region
    grid = PatchGrid.over(view.size, region.patch_px, stride)
    engine = model.engine(dense, grid)
    share, tissue_mm2 = found.owned(grid)
    wanted = share >= MIN_TISSUE
    if wanted.size == 1:
        wanted[:] = True  # a single patch is answered whatever it shows
    guard = model.classifier.guard
    if before:
        familiarity = before.familiarity
    else:
        familiarity = sample_patches(guard, view, grid, wanted, tissue_mm2) if guard else None
    return Plan(
        name=before.name if before else _name(source),
        survey=found,
        model=model,
        grid=grid,
        cell_map=CellMap(grid, model.cell),
        engine=engine,
        tissue_mm2=tissue_mm2,
        wanted=wanted,
        tiles=tuple(tile for tile in grid.tiles(engine.tile_px) if wanted[tile.patches].any()),
        familiarity=familiarity,
        notes=(
            *([familiarity.note] if familiarity and familiarity.is_doubtful else []),
            *slide.notes,
            *_notes(view, found.scale, model, wanted),
            *model.engine_notes(dense),
        ),
        identity=_identity(source, slide, found.scale, model, engine, stride),
    )


def _notes(view: Resampled, scale: Scale, model: ScanModel, wanted: npt.NDArray[np.bool_]) -> list[str]:
    notes = []
    spacing = model.region.spacing_um_per_px
    if max(scale.x, scale.y) > 1.25 * spacing:
        notes.append(
            f"The image is coarser ({scale.x:.3g} µm/px) than what the model was trained on ({spacing} µm/px): it was "
            "enlarged, and detail that the model relies on may be missing."
        )
    side = model.region.patch_px
    if wanted.size == 1 and view.size != (side, side):
        width, height = view.size
        notes.append(f"The centre of {side} x {side} px, out of {width} x {height}, was read as one patch.")
    if not wanted.any():
        notes.append("No stained tissue was found, so no patch was read.")
    return notes


def _path(source: SlideSource | Slide) -> Path | None:
    return None if isinstance(source, Image.Image | Slide) else Path(source)


def _name(source: SlideSource | Slide) -> str:
    path = _path(source)
    return path.name if path else "image"


def _identity(
    source: SlideSource | Slide, slide: Slide, scale: Scale, model: ScanModel, engine: Engine, stride: int
) -> dict[str, Any]:
    file = None
    if path := _path(source):
        status = path.stat()
        file = [path.name, status.st_size, status.st_mtime_ns]
    return {
        "file": file,
        "size": slide.size,
        "um_per_px": [scale.x, scale.y],
        "model": model.classifier.identity.sha256,
        "engine": engine.name,
        "stride": stride,
        "tile_px": engine.tile_px,
    }
