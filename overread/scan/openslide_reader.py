"""Whole-slide formats through OpenSlide: svs, ndpi, mrxs, scn, bif, vms, svslide, tiled TIFF, DICOM WSI."""

from pathlib import Path

from PIL import Image

from overread.errors import CorruptImageError
from overread.scale import UM_PER_CM, UM_PER_INCH, Scale, plausible
from overread.scan.errors import NotScannableError

NOT_INSTALLED = "Slides need more packages: pip install overread[scan]."
UM_PER_TIFF_UNIT = {"centimeter": UM_PER_CM, "inch": UM_PER_INCH}  # as OpenSlide spells them


class OpenSlideSlide:
    """A slide that OpenSlide has opened; OpenSlide itself is safe to call from several threads."""

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        """Open the slide.

        Raises:
            CorruptImageError: if the file is damaged.
        """
        import openslide

        self._name = path.name
        try:
            self._slide = openslide.OpenSlide(path)
        except openslide.OpenSlideError as error:
            raise CorruptImageError(f"The slide {path.name} is damaged or cut off: {error}.") from error
        self._error = openslide.OpenSlideError
        self.size: tuple[int, int] = self._slide.dimensions
        self.downsamples: tuple[float, ...] = tuple(self._slide.level_downsamples)
        self.scale = _scale(dict(self._slide.properties))

    def level_size(self, level: int) -> tuple[int, int]:
        """Return (width, height) of a pyramid level."""
        return self._slide.level_dimensions[level]

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Image.Image:
        """Return an RGB rectangle in the level's pixels; what the scanner did not record is white.

        Raises:
            CorruptImageError: if the rectangle cannot be decoded.
        """
        downsample = self.downsamples[level]
        corner = round(x * downsample), round(y * downsample)  # OpenSlide takes it in pixels of the full resolution
        try:
            found = self._slide.read_region(corner, level, (width, height))  # RGBA
        except self._error as error:
            raise CorruptImageError(f"The slide {self._name} is damaged at {corner}: {error}.") from error
        white = Image.new("RGB", found.size, "white")
        white.paste(found, mask=found.getchannel("A"))
        return white

    def close(self) -> None:
        """Close the file."""
        self._slide.close()


def open_with_openslide(path: Path) -> OpenSlideSlide | None:
    """Return the slide, or None if it is in no format that OpenSlide reads.

    Raises:
        NotScannableError: if OpenSlide is not installed.
        CorruptImageError: if the file is damaged.
    """
    try:
        import openslide
    except (ImportError, OSError) as error:  # OSError: the package without its library, openslide-bin
        raise NotScannableError(NOT_INSTALLED) from error
    return OpenSlideSlide(path) if openslide.OpenSlide.detect_format(path) else None


def _scale(properties: dict[str, str]) -> Scale | None:
    vendor = properties.get("openslide.vendor", "")
    values = [_number(properties, f"openslide.mpp-{axis}") for axis in "xy"]
    if all(values):
        return plausible(values[0], values[1], f"OpenSlide mpp, {vendor}")
    per_unit = [_number(properties, f"tiff.{axis}Resolution") for axis in "XY"]
    unit = UM_PER_TIFF_UNIT.get(properties.get("tiff.ResolutionUnit", ""))
    if unit and all(per_unit):
        return plausible(unit / per_unit[0], unit / per_unit[1], "TIFF resolution tags")
    return None


def _number(properties: dict[str, str], name: str) -> float:
    """Return a property, 0 where it is missing or no number."""
    try:
        return float(properties.get(name, 0))
    except ValueError:
        return 0.0
