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
from overread.errors import ImageTooSmallError
from overread.patches import assumed_scale
from overread.scale import Scale, given
from overread.scan.engine import CellMap, Engine
from overread.scan.errors import NotScannableError
from overread.scan.familiarity import Familiarity, sample_patches
from overread.scan.grid import Doubles, PatchGrid, Tile, sums_between
from overread.scan.models import ScanModel, scan_model
from overread.scan.opening import SlideSource, open_slide
from overread.scan.progress import Reporter
from overread.scan.resampled import Resampled
from overread.scan.slide import Slide
from overread.scan.tissue import OVERVIEW_FACTOR, read_overview, tissue_mask

MIN_TISSUE = 0.05  # of the pixels a patch owns: below, it is background
STRIP_PX = 512  # of the tissue mask, summed at once


@dataclass(frozen=True, eq=False)
class Plan:
    """A scan that is ready to run; it holds the slide open, so use it as a context manager.

    Attributes:
        name: of the slide.
        slide: the open slide.
        scale: um/px of its full resolution.
        model: what scans.
        view: the slide at the model's scale.
        grid: the patches.
        cell_map: the cells of the evidence map.
        engine: exact or dense.
        overview: the whole slide at an eighth of the model's scale, RGB.
        tissue: (h, w) bool, where the overview shows tissue.
        tissue_mm2: (rows, columns) float64, tissue that each patch owns.
        wanted: (rows, columns) bool, the patches that are answered.
        tiles: the blocks with any such patch.
        familiarity: the guard's verdict on a sample of these patches; None if the model has no guard.
        notes: what a reader of the result should know.
        identity: what makes two scans the same for a checkpoint.
    """

    name: str
    slide: Slide
    scale: Scale
    model: ScanModel
    view: Resampled
    grid: PatchGrid
    cell_map: CellMap
    engine: Engine
    overview: Image.Image
    tissue: npt.NDArray[np.bool_]
    tissue_mm2: Doubles
    wanted: npt.NDArray[np.bool_]
    tiles: tuple[Tile, ...]
    familiarity: Familiarity | None
    notes: tuple[str, ...]
    identity: Mapping[str, Any]

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
    source: SlideSource,
    model: str | Path | Classifier | ScanModel,
    mpp: float | tuple[float, float] | None = None,
    exact: bool | None = None,
    stride: int | None = None,
    threads: int | None = None,
    reporter: Reporter | None = None,
) -> Plan:
    """Return the plan of a scan: opens the slide, finds its scale and its tissue, and answers no patch yet.

    Args:
        source: a path to a slide or image, or a PIL image.
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
    if stride is not None and not 1 <= stride <= ready.region.patch_px:
        raise NotScannableError(f"The stride must be 1 to {ready.region.patch_px} px, a patch's side, not {stride}.")
    slide = open_slide(source)
    try:
        return _plan(slide, source, ready, mpp, exact, stride, reporter)
    except BaseException:
        slide.close()
        raise


def _plan(
    slide: Slide,
    source: SlideSource,
    model: ScanModel,
    mpp: float | tuple[float, float] | None,
    exact: bool | None,
    stride: int | None,
    reporter: Reporter | None,
) -> Plan:
    region = model.region
    scale = given(mpp) if mpp else slide.scale or assumed_scale(slide.size, region)
    factor = region.spacing_um_per_px / scale.x, region.spacing_um_per_px / scale.y
    view = Resampled(slide, factor)
    if min(view.size) < region.patch_px:
        side = region.patch_px * region.spacing_um_per_px
        raise ImageTooSmallError(
            f"At {scale} the image covers {slide.size[0] * scale.x:.0f} x {slide.size[1] * scale.y:.0f} µm: "
            f"a patch of {side:.0f} µm a side is the least the model reads."
        )
    dense = model.is_dense_by_default if exact is None else not exact
    stride = stride or model.default_stride(dense)
    grid = PatchGrid.over(view.size, region.patch_px, stride)
    engine = model.engine(dense, grid)

    eighth = view.factor[0] * OVERVIEW_FACTOR, view.factor[1] * OVERVIEW_FACTOR
    small = Resampled(slide, eighth, Image.Resampling.BOX)
    overview = read_overview(small, reporter.stop_if_cancelled if reporter else lambda: None)
    mask = tissue_mask(overview)
    shrink = view.factor[0] / small.factor[0], view.factor[1] / small.factor[1]  # overview pixels per pixel of the view
    owned_px, tissue_px = _owned(mask, grid, shrink)
    wanted = tissue_px >= MIN_TISSUE * np.maximum(owned_px, 1e-9)
    if wanted.size == 1:
        wanted[:] = True  # a single patch is answered whatever it shows
    pixel_mm2 = small.factor[0] * scale.x * small.factor[1] * scale.y / 1e6
    tissue_mm2 = tissue_px * pixel_mm2
    guard = model.classifier.guard
    familiarity = sample_patches(guard, view, grid, wanted, tissue_mm2) if guard else None
    return Plan(
        name=_name(source),
        slide=slide,
        scale=scale,
        model=model,
        view=view,
        grid=grid,
        cell_map=CellMap(grid, model.cell),
        engine=engine,
        overview=overview,
        tissue=mask,
        tissue_mm2=tissue_mm2,
        wanted=wanted,
        tiles=tuple(tile for tile in grid.tiles(engine.tile_px) if wanted[tile.patches].any()),
        familiarity=familiarity,
        notes=(
            *([familiarity.note] if familiarity and familiarity.is_doubtful else []),
            *slide.notes,
            *_notes(view, scale, model, wanted),
            *model.engine_notes(dense),
        ),
        identity=_identity(source, slide, scale, model, engine, stride),
    )


def _owned(mask: npt.NDArray[np.bool_], grid: PatchGrid, shrink: tuple[float, float]) -> tuple[Doubles, Doubles]:
    """Return (rows, columns) twice: how many of the mask's pixels each patch owns, and how many of them are True."""
    down = np.clip(grid.y.edges * shrink[1], 0, mask.shape[0])
    across = np.clip(grid.x.edges * shrink[0], 0, mask.shape[1])
    strips = [  # the sums are in double precision: of the whole mask at once they would take 16 times its memory
        sums_between(mask[:, left : left + STRIP_PX], down[:-1], down[1:], 0)
        for left in range(0, mask.shape[1], STRIP_PX)
    ]
    tissue = sums_between(np.concatenate(strips, axis=1), across[:-1], across[1:], 1)
    return np.outer(np.diff(down), np.diff(across)), tissue


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


def _name(source: SlideSource) -> str:
    return "image" if isinstance(source, Image.Image) else Path(source).name


def _identity(
    source: SlideSource, slide: Slide, scale: Scale, model: ScanModel, engine: Engine, stride: int
) -> dict[str, Any]:
    file = None
    if not isinstance(source, Image.Image):
        status = Path(source).stat()
        file = [Path(source).name, status.st_size, status.st_mtime_ns]
    return {
        "file": file,
        "size": slide.size,
        "um_per_px": [scale.x, scale.y],
        "model": model.classifier.identity.sha256,
        "engine": engine.name,
        "stride": stride,
        "tile_px": engine.tile_px,
    }
