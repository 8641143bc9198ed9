"""The physical scale of an image, micrometres per pixel, and where it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from overread.errors import UnknownScaleError

# um/px. A 100x objective gives about 0.1, a 2x objective about 5. Programs write 72, 96 or 300 dpi (353, 265, 85 um/px)
# into files whose scale they do not know: what lies outside is not taken for a scale.
PLAUSIBLE_UM_PER_PX = (0.05, 5.0)
UM_PER_INCH, UM_PER_CM, UM_PER_MM = 25_400.0, 10_000.0, 1_000.0


@dataclass(frozen=True)
class Scale:
    """Micrometres per pixel across (``x``) and down (``y``); ``source`` says where they come from."""

    x: float
    y: float
    source: str

    def __str__(self) -> str:
        """Return it as a reader of a result wants it."""
        across = f"{self.x:.4g}" if abs(self.x - self.y) < 1e-3 * self.x else f"{self.x:.4g} x {self.y:.4g}"
        return f"{across} µm/px ({self.source})"


def plausible(x: float | None, y: float | None, source: str) -> Scale | None:
    """Return the scale, or None where a value is missing or no microscope's."""
    low, high = PLAUSIBLE_UM_PER_PX
    if x is None or y is None or not (low <= x <= high and low <= y <= high):
        return None
    return Scale(float(x), float(y), source)


def given(mpp: float | tuple[float, float]) -> Scale:
    """Return the caller's scale.

    Args:
        mpp: micrometres per pixel, or (across, down).

    Raises:
        UnknownScaleError: if it is no microscope's.
    """
    x, y = mpp if isinstance(mpp, tuple) else (mpp, mpp)
    scale = plausible(x, y, "given by the caller")
    if scale is None:
        low, high = PLAUSIBLE_UM_PER_PX
        raise UnknownScaleError(
            f"The scale must be {low} to {high} µm/px, not {mpp}: 40x is about 0.25, 20x 0.5, 10x 1."
        )
    return scale


def from_dpi(info: Mapping[Any, Any]) -> Scale | None:
    """Return the scale in Pillow's ``info["dpi"]`` (PNG pHYs, JFIF density), if a microscope's."""
    x, y = info.get("dpi") or (0, 0)
    return plausible(UM_PER_INCH / float(x), UM_PER_INCH / float(y), "pixels per inch in the file") if x and y else None


def from_dicom(header: Mapping[str, Any]) -> Scale | None:
    """Return the scale in a DICOM header.

    ``PixelSpacing`` is (down, across) in mm, at the top level or in the shared functional groups (PS3.3 C.7.6.16.2.1);
    a whole-slide image has ``ImagedVolumeWidth`` and ``ImagedVolumeHeight`` in mm (PS3.3 C.8.12.4).

    Args:
        header: a pydicom ``Dataset``, or anything that has its keywords as keys.
    """
    measures: Any = header
    groups = header.get("SharedFunctionalGroupsSequence")
    if groups and groups[0].get("PixelMeasuresSequence"):
        measures = groups[0]["PixelMeasuresSequence"][0]
    spacing = measures.get("PixelSpacing") or header.get("PixelSpacing")
    if spacing:
        return plausible(float(spacing[1]) * UM_PER_MM, float(spacing[0]) * UM_PER_MM, "DICOM PixelSpacing")
    width, height = header.get("ImagedVolumeWidth"), header.get("ImagedVolumeHeight")
    columns, rows = header.get("TotalPixelMatrixColumns"), header.get("TotalPixelMatrixRows")
    if width and height and columns and rows:
        x, y = float(width) * UM_PER_MM / columns, float(height) * UM_PER_MM / rows
        return plausible(x, y, "DICOM ImagedVolume")
    return None
