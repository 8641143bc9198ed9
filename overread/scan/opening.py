"""From a path or an image to an open slide: the one place where the reader is chosen."""

import os
from pathlib import Path

from PIL import Image

from overread import dicom
from overread.errors import EmptyImageError, UnsupportedImageError
from overread.images import FORMATS, MAX_PIXELS, decode
from overread.scale import from_dpi
from overread.scan.openslide_reader import open_with_openslide
from overread.scan.slide import Slide, WholeImage
from overread.scan.tiff_reader import open_tiff

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF
SlideSource = str | os.PathLike[str] | Image.Image


def open_slide(source: SlideSource) -> Slide:
    """Return the open slide or image.

    Whole-slide formats and DICOM whole-slide images go to OpenSlide, other TIFFs are read tile by tile, the rest is
    decoded in memory as ``overread.images.decode`` does, up to its limit of pixels.

    Raises:
        InputError: its subclasses say what is wrong with the file.
        NotScannableError: if a package that the format needs is not installed.
    """
    if isinstance(source, Image.Image):
        decoded = decode(source)
        return WholeImage(decoded.picture, from_dpi(source.info), decoded.notes)
    path = Path(source)
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError as error:
        raise UnsupportedImageError(f"The file {path.name} cannot be read: {error.strerror}.") from error
    if not head:
        raise EmptyImageError(f"The file {path.name} is empty.")
    whole_slide = open_with_openslide(path)
    if whole_slide:
        return whole_slide
    if head.startswith(TIFF_MAGIC):
        return open_tiff(path)
    if head[128:] == b"DICM":
        return _open_dicom(path)
    try:
        image = Image.open(path, formats=FORMATS)
    except OSError as error:
        raise UnsupportedImageError(
            f"{path.name} is no slide or image that is read here: send a whole-slide file, TIFF, PNG, JPEG or DICOM."
        ) from error
    with image:
        decoded = decode(image)
        return WholeImage(decoded.picture, from_dpi(image.info), decoded.notes)


def _open_dicom(path: Path) -> WholeImage:
    decoded = dicom.decode(path.read_bytes(), MAX_PIXELS)
    return WholeImage(decoded.image.convert("RGB"), decoded.scale, decoded.notes)
