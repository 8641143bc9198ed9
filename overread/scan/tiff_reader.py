"""TIFF and BigTIFF that OpenSlide does not read, with tifffile: one tile or strip at a time."""

import math
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.errors import CorruptImageError, ImageTooLargeError, UnsupportedImageError
from overread.images import FORMATS, decode
from overread.scale import UM_PER_CM, UM_PER_INCH, Scale, plausible
from overread.scan.errors import NotScannableError
from overread.scan.openslide_reader import NOT_INSTALLED
from overread.scan.slide import Slide, WholeImage

CACHE_BYTES = 256 * 2**20  # of decoded tiles and strips: a row of strips of 512 rows and 100,000 px is 150 MB
MAX_SEGMENT_BYTES = 512 * 2**20  # of one decoded tile or strip
WHOLE_PIXELS = 4_000_000  # up to here the file is decoded at once, as any other image
_UM_PER_UNIT = {2: UM_PER_INCH, 3: UM_PER_CM}  # TIFF 6.0, ResolutionUnit
_IMAGEJ_MICRONS = ("micron", "um", "µm", "\\u00B5m")
_UM_PER_OME_UNIT = {"µm": 1.0, "um": 1.0, "nm": 1e-3, "mm": 1e3, "cm": UM_PER_CM}


def open_tiff(path: Path) -> Slide:
    """Return the open file: in memory if it is small, else tile by tile.

    Raises:
        InputError: its subclasses say what is wrong with the file.
        NotScannableError: if tifffile is not installed.
    """
    try:
        import tifffile
    except ImportError as error:
        raise NotScannableError(NOT_INSTALLED) from error
    try:
        file = tifffile.TiffFile(path)
        scale = _scale(file)
        first = file.pages.first
        pixels = first.imagewidth * first.imagelength
    except Exception as error:  # tifffile raises many types on damaged bytes
        raise CorruptImageError(f"The TIFF file {path.name} is damaged or cut off.") from error
    if pixels > WHOLE_PIXELS:
        return TiffSlide(file, scale, path.name)
    file.close()
    try:
        with Image.open(path, formats=FORMATS) as image:
            decoded = decode(image)
    except OSError as error:
        raise UnsupportedImageError(f"The TIFF file {path.name} is of a kind that is not read here.") from error
    return WholeImage(decoded.picture, scale, decoded.notes)


class TiffSlide:
    """A TIFF of 8-bit RGB or grey pixels with its pyramid, if it has one."""

    notes: tuple[str, ...] = ()

    def __init__(self, file: Any, scale: Scale | None, name: str) -> None:
        """Take over an open ``tifffile.TiffFile``.

        Raises:
            UnsupportedImageError: if its pixels are of another kind.
            ImageTooLargeError: if one tile or strip is too large to be decoded at once.
        """
        self._file, self._name, self.scale = file, name, scale
        self._pages = [level.keyframe for level in file.series[0].levels if _is_readable(level.keyframe)]
        if not self._pages or self._pages[0].index != file.series[0].keyframe.index:
            raise UnsupportedImageError(f"The TIFF file {name} is not 8-bit RGB or grey: save it as 8-bit RGB.")
        for page in self._pages:
            if math.prod(page.chunks) > MAX_SEGMENT_BYTES:
                raise ImageTooLargeError(
                    f"The TIFF file {name} is one single block of pixels: save it as a tiled TIFF."
                )
        self.size = self._pages[0].imagewidth, self._pages[0].imagelength
        self.downsamples = tuple(self.size[0] / page.imagewidth for page in self._pages)
        self._cache: OrderedDict[tuple[int, int], npt.NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()

    def level_size(self, level: int) -> tuple[int, int]:
        """Return (width, height) of a pyramid level."""
        return self._pages[level].imagewidth, self._pages[level].imagelength

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Image.Image:
        """Return an RGB rectangle in the level's pixels.

        Raises:
            CorruptImageError: if a tile cannot be decoded.
        """
        page = self._pages[level]
        rows, columns = page.chunks[:2]
        per_row = -(-page.imagewidth // columns)
        pixels = np.full((height, width, 3), 255, np.uint8)
        for down in range(y // rows, -(-(y + height) // rows)):
            for across in range(x // columns, -(-(x + width) // columns)):
                segment = self._segment(level, down * per_row + across)  # (rows, columns, samples)
                top, left = down * rows - y, across * columns - x
                part = segment[max(0, -top) : height - top, max(0, -left) : width - left]
                top, left = max(0, top), max(0, left)
                pixels[top : top + part.shape[0], left : left + part.shape[1]] = part[..., :3]
        return Image.fromarray(pixels)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _segment(self, level: int, index: int) -> npt.NDArray[np.uint8]:
        """Return a decoded tile or strip, without its padding at the image's borders."""
        with self._lock:
            if (level, index) in self._cache:
                self._cache.move_to_end((level, index))
                return self._cache[level, index]
            segment = self._decode(self._pages[level], index)
            self._cache[level, index] = segment
            while sum(kept.nbytes for kept in self._cache.values()) > CACHE_BYTES and len(self._cache) > 1:
                self._cache.popitem(last=False)
            return segment

    def _decode(self, page: Any, index: int) -> npt.NDArray[np.uint8]:
        try:
            self._file.filehandle.seek(page.dataoffsets[index])
            data = self._file.filehandle.read(page.databytecounts[index])
            # An empty segment is one that was never written: white, as glass is.
            decoded, _, shape = page.decode(data or None, index, jpegtables=page.jpegtables)
        except Exception as error:  # the codecs raise many types on damaged bytes
            raise CorruptImageError(f"The TIFF file {self._name} is damaged at its tile {index}.") from error
        if decoded is None:
            return np.full((*shape[1:3], 3), 255, np.uint8)
        return np.ascontiguousarray(decoded[0, : shape[1], : shape[2]])


def _is_readable(page: Any) -> bool:
    """Return whether a page is 8-bit RGB, YCbCr in JPEG or grey, with the samples of a pixel side by side."""
    samples_together = page.planarconfig == 1 or page.samplesperpixel == 1
    return (
        page.dtype == np.uint8
        and page.samplesperpixel in (1, 3, 4)
        and samples_together
        and page.photometric.name in ("RGB", "YCBCR", "MINISBLACK")
        and page.imagedepth == 1
    )


def _scale(file: Any) -> Scale | None:
    """Return the scale from OME-XML, ImageJ's metadata or the resolution tags, in this order."""
    if file.is_ome and file.ome_metadata:
        pixels = ElementTree.fromstring(file.ome_metadata).find(".//{*}Pixels")
        found = pixels is not None and plausible(_ome(pixels, "X"), _ome(pixels, "Y"), "OME PhysicalSize")
        if found:
            return found
    tags = file.pages.first.tags
    if "XResolution" not in tags or "YResolution" not in tags:
        return None
    rationals = tags["XResolution"].value, tags["YResolution"].value
    if not all(value for rational in rationals for value in rational):
        return None
    per_unit = [numerator / denominator for numerator, denominator in rationals]
    in_microns = file.is_imagej and (file.imagej_metadata or {}).get("unit") in _IMAGEJ_MICRONS
    unit = 1.0 if in_microns else _UM_PER_UNIT.get(int(tags.valueof("ResolutionUnit", default=2)))
    source = "ImageJ's resolution" if in_microns else "TIFF resolution tags"
    return plausible(unit / per_unit[0], unit / per_unit[1], source) if unit else None


def _ome(pixels: ElementTree.Element, axis: str) -> float | None:
    value, unit = pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm")
    return float(value) * _UM_PER_OME_UNIT[unit] if value and unit in _UM_PER_OME_UNIT else None
