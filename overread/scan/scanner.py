"""Scans a slide: reads tile after tile, answers their patches, and gathers the result."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image

from overread.classifier import Classifier
from overread.probability import sigmoid
from overread.scan.checkpoint import Answers
from overread.scan.grid import Doubles, Tile
from overread.scan.models import ScanModel
from overread.scan.opening import SlideSource
from overread.scan.outputs import write
from overread.scan.plan import Plan, prepare
from overread.scan.progress import Progress, Reporter
from overread.scan.regions import most_suspicious, suspicious_regions
from overread.scan.result import Burden, ScanResult, SuspiciousPatch

CHECKPOINT_FOLDER = "checkpoint"
SUSPICIOUS_PATCHES = 10


def scan(
    source: SlideSource,
    model: str | Path | Classifier | ScanModel,
    mpp: float | tuple[float, float] | None = None,
    *,
    exact: bool | None = None,
    stride: int | None = None,
    out: Path | str | None = None,
    operating_point: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    threads: int | None = None,
) -> ScanResult:
    """Return the answers for every patch of tissue in a slide, a field of view or a single patch.

    Args:
        source: a path to a slide or image, or a PIL image.
        model: a name of the catalogue, a model folder, or what is loaded already.
        mpp: um/px of the full resolution, or (across, down); default: what the file says.
        exact: patch by patch (True) or dense (False); default: dense where that was measured to agree.
        stride: between patches, in pixels at the model's scale; default: the side of the centre that labels are about.
        out: folder for the maps, tables and images; also keeps a checkpoint, which the same call takes up again.
        operating_point: which threshold makes the regions; default: the model's own choice.
        progress: called after each tile.
        cancelled: called between passes; True stops the scan.
        threads: for one inference; default: see ``overread.session.default_threads``.

    Raises:
        InputError: its subclasses say what is wrong with the file, the scale or the settings.
        ModelFolderError: if the model cannot be loaded.
        ScanCancelledError: if ``cancelled`` said so.
    """
    reporter = Reporter(0, cancelled=cancelled)
    with prepare(source, model, mpp, exact, stride, threads, reporter) as plan:
        result = run(plan, out, operating_point, progress, cancelled)
    if out is not None:
        write(result, Path(out))
    return result


def run(
    plan: Plan,
    out: Path | str | None = None,
    operating_point: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ScanResult:
    """Return the result of a plan; arguments and errors as for ``scan``. Only the checkpoint is written to ``out``."""
    started = perf_counter()
    plan.model.classifier.config.operating_point(operating_point)  # a wrong name costs no scan
    folder = Path(out) / CHECKPOINT_FOLDER if out is not None else None
    answers = Answers(plan.grid.shape, plan.cell_map.shape, len(plan.tiles), folder, plan.identity)
    todo = [index for index in range(len(plan.tiles)) if not answers.done[index]]
    per_tile = [int(plan.wanted[tile.patches].sum()) for tile in plan.tiles]
    before = plan.patches - sum(per_tile[index] for index in todo)
    reporter = Reporter(plan.patches, before, progress, cancelled)
    for index, (pixels, corner) in zip(todo, _read_ahead(plan, [plan.tiles[index] for index in todo]), strict=True):
        tile = plan.tiles[index]
        reporter.stop_if_cancelled()
        wanted = plan.wanted[tile.patches]
        answers.put(index, tile, plan.engine.answer(pixels, corner, tile, wanted, reporter.stop_if_cancelled))
        reporter.advance(per_tile[index])
    answers.into_memory()
    return _result(plan, answers, operating_point, started)


def _read_ahead(plan: Plan, tiles: list[Tile]) -> Iterator[tuple[Image.Image, tuple[int, int]]]:
    """Yield each tile's pixels and corner; the next tile is read while the caller works on this one."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_read, plan, tiles[0]) if tiles else None
        for index in range(len(tiles)):
            assert waiting is not None
            current = waiting.result()
            waiting = pool.submit(_read, plan, tiles[index + 1]) if index + 1 < len(tiles) else None
            yield current


def _read(plan: Plan, tile: Tile) -> tuple[Image.Image, tuple[int, int]]:
    """Return the pixels around the wanted patches of a tile, with the engine's halo, and their (x, y) in the view."""
    rows, columns = np.nonzero(plan.wanted[tile.patches])
    sides = []
    for axis, first, last, limit in (
        (plan.grid.x, tile.left + columns.min(), tile.left + columns.max(), plan.view.size[0]),
        (plan.grid.y, tile.top + rows.min(), tile.top + rows.max(), plan.view.size[1]),
    ):
        low = max(0, int(axis.starts[first]) - plan.engine.halo)
        high = min(limit, int(axis.starts[last]) + axis.patch + plan.engine.halo)
        sides.append((low, high))
    (left, right), (top, bottom) = sides
    return plan.view.read(left, top, right - left, bottom - top), (left, top)


def _result(plan: Plan, answers: Answers, operating_point: str | None, started: float) -> ScanResult:
    classifier = plan.model.classifier
    point = classifier.config.operating_point(operating_point)
    probability = sigmoid(answers.log_odds)
    factor = plan.view.factor
    suspicious = tuple(
        _read_alone(plan, rank, row, column, answers.log_odds, operating_point)
        for rank, (row, column) in enumerate(most_suspicious(answers.log_odds, plan.grid, SUSPICIOUS_PATCHES), 1)
    )
    return ScanResult(
        name=plan.name,
        size=plan.slide.size,
        scale=plan.scale,
        factor=factor,
        finding=classifier.config.finding,
        model=classifier.identity,
        engine=plan.engine.name,
        grid=plan.grid,
        cell_map=plan.cell_map,
        log_odds=answers.log_odds,
        evidence=answers.evidence,
        evidence_scale=classifier.config.heatmap.scale,
        tissue_mm2=plan.tissue_mm2,
        overview=plan.survey.overview,
        tissue=plan.survey.tissue,
        operating_point=point,
        burdens=_burdens(plan, probability),
        regions=suspicious_regions(probability, point.threshold, plan.grid, factor, plan.tissue_mm2),
        suspicious=suspicious,
        familiarity=plan.familiarity,
        notes=plan.notes,
        seconds=perf_counter() - started,
    )


def _burdens(plan: Plan, probability: Doubles) -> tuple[Burden, ...]:
    points = sorted(plan.model.classifier.config.operating_points.values(), key=lambda point: point.threshold)
    tissue = float(plan.tissue_mm2[plan.wanted].sum())
    burdens = []
    for point in points:
        area = float(plan.tissue_mm2[probability >= point.threshold].sum())
        burdens.append(Burden(point.name, point.threshold, area / tissue if tissue else 0.0, area))
    return tuple(burdens)


def _read_alone(
    plan: Plan, rank: int, row: int, column: int, log_odds: Doubles, operating_point: str | None
) -> SuspiciousPatch:
    x, y, side = int(plan.grid.x.starts[column]), int(plan.grid.y.starts[row]), plan.grid.x.patch
    across, down = plan.view.factor
    patch = plan.view.read(x, y, side, side)
    # The scan has found the tissue already, so the guard may only add its warning to a single patch.
    prediction = plan.model.classifier.predict(patch, operating_point, answer_anyway=True)
    box = (x * across, y * down, (x + side) * across, (y + side) * down)
    return SuspiciousPatch(rank, box, float(log_odds[row, column]), prediction)
