"""Fields of view and slides for page, API and MCP: what a scan would do and cost, and one scan at a time."""

import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

from PIL import Image

from overread.catalogue import Domain
from overread.classifier import BATCH_SIZE, Classifier
from overread.errors import InputError
from overread.scan import Plan, Progress, ScanCancelledError, ScanResult, prepare, run, with_stride
from overread.scan.models import ScanModel, scan_model
from overread.scan.outputs import write
from overread.scan.progress import Reporter
from overread.scan.slide import Slide
from overread.service import Service

DOMAIN: Domain = "histopathology"
MAX_PATCHES = 6000  # of one request: a minute or two on two cores with a single net
LEAST_STRIDE = 16  # below, the tables of a whole slide's patches alone would be too large
STRIDES = (64, 96)  # tried where the model's own would be more than that
MAX_LOOK_SECONDS = 60  # for the pass that finds the tissue
ONE_SCAN = threading.Lock()  # page, API and MCP have queues of their own
LONGER = "`overread scan` on a machine of your own has no limit"


class TooMuchWorkError(InputError):
    """A scan of this slide is more than one request may ask for."""


class Fields:
    """Plans and scans with loaded models; safe to use from several threads."""

    def __init__(self, service: Service) -> None:
        """Take the loaded models."""
        self._service = service
        self._models: dict[str, ScanModel] = {}
        self._pace: dict[str, float] = {}  # seconds per patch, by model

    def classifier(self, model: str) -> Classifier:
        """Return the model of that name, or the default for "".

        Raises:
            UnknownModelError: if there is none.
        """
        return self._service.classifier(DOMAIN, model)

    def plan(
        self, source: Path | Slide, model: str, mpp: float | None = None, stride: int | None = None
    ) -> tuple[Plan, float]:
        """Return what a scan would do, within the limit, and how many seconds it would take.

        Args:
            source: the file, or the open slide.
            model: which model; empty: the default.
            mpp: um/px; default: what the file says.
            stride: between patches, in pixels at the model's scale; default: the smallest that is within the limit.

        Raises:
            TooMuchWorkError: if the slide has too much tissue, or finding it takes too long.
            InputError: another subclass says what is wrong with file, scale or stride.
        """
        if stride is not None and stride < LEAST_STRIDE:
            raise TooMuchWorkError(f"The stride must be at least {LEAST_STRIDE} px here, not {stride}; {LONGER}.")
        ready = self._model(self.classifier(model))
        started = monotonic()
        reporter = Reporter(0, cancelled=lambda: monotonic() - started > MAX_LOOK_SECONDS)
        try:
            plan = prepare(source, ready, mpp, stride=stride, reporter=reporter)
        except ScanCancelledError as error:
            raise TooMuchWorkError(
                f"The slide is so large that its tissue was not found within {MAX_LOOK_SECONDS} s: {LONGER}."
            ) from error
        if stride is None:
            for wider in STRIDES:
                if plan.patches > MAX_PATCHES:
                    plan = with_stride(plan, wider)
        if plan.patches > MAX_PATCHES:
            raise TooMuchWorkError(
                f"Every {plan.grid.x.stride} px the slide has {plan.patches:,} patches of tissue, and one request may "
                f"ask for {MAX_PATCHES:,}: cut out a part of it; {LONGER}."
            )
        return plan, plan.patches * self._seconds_per_patch(ready)

    def scan(
        self,
        plan: Plan,
        folder: Path,
        operating_point: str = "",
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> ScanResult:
        """Return the result of a plan and write its files into a folder; waits until no other scan runs.

        Raises:
            ScanCancelledError: if ``cancelled`` said so.
            InputError: if the slide is damaged or there is no such operating point.
        """
        while not ONE_SCAN.acquire(timeout=0.2):
            if cancelled():
                raise ScanCancelledError("The scan was stopped before it began.")
        try:
            if progress:
                progress(Progress(0, plan.patches, 0.0, None))  # it has begun
            result = run(plan, operating_point=operating_point or None, progress=progress, cancelled=cancelled)
        finally:
            ONE_SCAN.release()
        if plan.patches >= BATCH_SIZE:
            self._pace[result.model.sha256] = result.seconds / plan.patches
        write(result, folder)
        return result

    def _model(self, classifier: Classifier) -> ScanModel:
        name = classifier.identity.name
        if name not in self._models:
            self._models[name] = scan_model(classifier)
        return self._models[name]

    def _seconds_per_patch(self, model: ScanModel) -> float:
        """Return what the last scan took or, before the first one, what a batch takes."""
        key = model.classifier.identity.sha256
        if key not in self._pace:
            blank = [Image.new("RGB", (model.region.patch_px, model.region.patch_px))] * BATCH_SIZE
            started = perf_counter()
            model.classifier.evidence(blank)
            self._pace[key] = (perf_counter() - started) / BATCH_SIZE
        return self._pace[key]


def described(plan: Plan, seconds: float) -> dict[str, Any]:
    """Return a plan as a dict that ``json.dumps`` takes, with one sentence for people."""
    width, height = plan.slide.size
    tissue = float(plan.tissue_mm2[plan.wanted].sum())
    stride = plan.grid.x.stride
    return {
        "size": [width, height],
        "um_per_px": [plan.scale.x, plan.scale.y],
        "scale_source": plan.scale.source,
        "patches": plan.patches,
        "patch_px": plan.grid.x.patch,
        "model_um_per_px": plan.model.region.spacing_um_per_px,
        "stride_px": stride,
        "tissue_mm2": tissue,
        "seconds": seconds,
        "model": plan.model.classifier.identity.name,
        "notes": list(plan.notes),
        "doubtful": bool(plan.familiarity and plan.familiarity.is_doubtful),
        "sentence": f"{width:,} x {height:,} px at {plan.scale}, {width * plan.scale.x / 1000:.2g} x "
        f"{height * plan.scale.y / 1000:.2g} mm with {tissue:.2g} mm² of tissue: {plan.patches:,} patches, one every "
        f"{stride} px ({stride * plan.model.region.spacing_um_per_px:.0f} µm), about {duration(seconds)} with "
        f"{plan.model.classifier.identity.name}.",
    }


def duration(seconds: float) -> str:
    """Return a duration for people, in seconds or minutes."""
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"
