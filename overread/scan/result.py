"""What a scan found, registered to the slide's pixels."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.model_folder import OperatingPoint
from overread.prediction import DISCLAIMER, ModelIdentity, Prediction
from overread.probability import sigmoid
from overread.scale import Scale
from overread.scan.engine import CellMap
from overread.scan.familiarity import Familiarity
from overread.scan.grid import Axis, Doubles, Ints, PatchGrid
from overread.scan.regions import SuspiciousRegion

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Burden:
    """Tissue at or above one threshold: ``share`` of the tissue that was read, and its area."""

    operating_point: str
    threshold: float
    share: float
    area_mm2: float


@dataclass(frozen=True, eq=False)
class SuspiciousPatch:
    """One of the most suspicious patches, read once more on its own.

    Attributes:
        rank: 1 is the most suspicious.
        box: (left, top, right, bottom) in pixels of the slide's full resolution.
        log_odds: what the scan said of it.
        prediction: what the model says of the patch alone, with its heat map.
    """

    rank: int
    box: tuple[float, float, float, float]
    log_odds: float
    prediction: Prediction


@dataclass(frozen=True, eq=False)
class ScanResult:
    """A scan's answers.

    Attributes:
        name: of the slide.
        size: (width, height) of its full resolution.
        scale: its um/px and where they come from.
        factor: its pixels per pixel at the model's scale, (across, down).
        finding: what was looked for.
        model: which model and revision answered.
        engine: "exact" or "dense".
        grid: where the patches lie, in pixels at the model's scale.
        cell_map: where the cells of the evidence lie.
        log_odds: (rows, columns) float64 by patch; NaN in the background.
        evidence: (h, w) float32, log-odds by cell; NaN in the background.
        evidence_scale: log-odds of one cell that are drawn in full colour.
        tissue_mm2: (rows, columns) tissue that each patch owns.
        overview: the whole slide at an eighth of the model's scale, RGB.
        tissue: (h, w) bool, where the overview shows tissue.
        operating_point: which threshold makes the regions.
        burdens: by operating point, in the order of their thresholds.
        regions: connected tissue at or above the threshold.
        familiarity: the guard's verdict on a sample of the patches; None if the model has no guard.
        suspicious: the most suspicious patches that don't overlap, worst first.
        notes: what the reader should know of how the slide was read.
        seconds: wall-clock time.
    """

    name: str
    size: tuple[int, int]
    scale: Scale
    factor: tuple[float, float]
    finding: str
    model: ModelIdentity
    engine: str
    grid: PatchGrid
    cell_map: CellMap
    log_odds: Doubles
    evidence: npt.NDArray[np.float32]
    evidence_scale: float
    tissue_mm2: Doubles
    overview: Image.Image
    tissue: npt.NDArray[np.bool_]
    operating_point: OperatingPoint
    burdens: tuple[Burden, ...]
    regions: tuple[SuspiciousRegion, ...]
    familiarity: Familiarity | None
    suspicious: tuple[SuspiciousPatch, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def probability(self) -> Doubles:
        """(rows, columns) calibrated probability by patch; NaN in the background."""
        return sigmoid(self.log_odds)

    @property
    def burden(self) -> Burden:
        """Tissue at or above the chosen operating point's threshold."""
        return next(burden for burden in self.burdens if burden.operating_point == self.operating_point.name)

    @property
    def area_interval_mm2(self) -> tuple[float, float]:
        """Area at the strictest and at the most lenient operating point, such as rule-in and screening."""
        areas = [burden.area_mm2 for burden in self.burdens]
        return min(areas), max(areas)

    def probability_at(self, down: Doubles, across: Doubles) -> npt.NDArray[np.float32]:
        """Return (len(down), len(across)) float32 probabilities at positions in pixels at the model's scale."""
        return self.probability.astype(np.float32)[np.ix_(self.grid.y.owner(down), self.grid.x.owner(across))]

    def evidence_at(self, down: Doubles, across: Doubles) -> npt.NDArray[np.float32]:
        """Return likewise the evidence, log-odds by cell; NaN outside every patch."""
        rows, inside_down = self._cells(down, self.grid.y, self.evidence.shape[0])
        columns, inside_across = self._cells(across, self.grid.x, self.evidence.shape[1])
        inside = inside_down[:, None] & inside_across[None, :]
        return np.where(inside, self.evidence[np.ix_(rows, columns)], np.float32(np.nan))

    def _cells(self, positions: Doubles, axis: Axis, count: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Return the index of the cell at each position along an axis, and whether there is one."""
        index = np.floor((positions - axis.offset) / self.cell_map.cell).astype(np.int64)
        return np.clip(index, 0, count - 1), (index >= 0) & (index < count)

    def to_json(self) -> dict[str, Any]:
        """Return everything but maps, pixels and polygons as a dict that ``json.dumps`` takes."""
        low, high = self.area_interval_mm2
        answered = np.isfinite(self.log_odds)
        return {
            "schema_version": SCHEMA_VERSION,
            "slide": self.name,
            "size": list(self.size),
            "um_per_px": [self.scale.x, self.scale.y],
            "scale_source": self.scale.source,
            "finding": self.finding,
            "engine": self.engine,
            "patch_px": self.grid.x.patch,
            "stride_px": self.grid.x.stride,
            "model_px_in_slide_px": list(self.factor),
            "patches": int(answered.sum()),
            "largest_probability": float(np.nanmax(self.probability)) if answered.any() else None,
            "tissue_mm2": float(self.tissue_mm2[answered].sum()),
            "operating_point": asdict(self.operating_point),
            "above": asdict(self.burden),
            "area_interval_mm2": [low, high],
            "by_operating_point": [asdict(burden) for burden in self.burdens],
            "regions": len(self.regions),
            "suspicious": [
                {
                    "rank": patch.rank,
                    "box": [round(value, 2) for value in patch.box],
                    "probability_in_scan": float(sigmoid(patch.log_odds)),
                    "probability_alone": patch.prediction.probability,
                }
                for patch in self.suspicious
            ],
            "guard": self.familiarity and asdict(self.familiarity),
            "notes": list(self.notes),
            "model": asdict(self.model),
            "seconds": round(self.seconds, 2),
            "disclaimer": DISCLAIMER,
        }
