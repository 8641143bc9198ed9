"""Decodes whatever a caller sends to one upright 8-bit RGB image: the only place where images are decoded."""

import hashlib
import io
import os
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from overread import dicom
from overread.dicom_tags import DicomTags
from overread.errors import (
    CorruptImageError,
    EmptyImageError,
    ImageTooLargeError,
    ImageTooSmallError,
    UnsupportedImageError,
)
from overread.grey_values import GreyValues
from overread.scale import Scale, from_dpi

ImageSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | npt.NDArray[np.uint8]

MAX_FILE_BYTES = 32 * 2**20
MAX_PIXELS = 64_000_000  # RGB at this size takes 192 MB; a full-size radiograph has about 12 million
MIN_SIDE = 32  # pixels; below this there is nothing to see
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000", "PPM", "AVIF")
READABLE = "PNG, JPEG, TIFF, BMP, WebP, GIF, JPEG 2000 or DICOM"
ROWS_PER_STRIP = 256
SAMPLE_SIDE = 32  # pixels of a copy that tells most colour images from grey ones
_WARNING_FILTERS = threading.Lock()  # they belong to the process: two threads that restore them would mix them up


@dataclass(frozen=True)
class DecodedImage:
    """An upright RGB image with what identifies it.

    Attributes:
        picture: 8-bit RGB; of mode L if ``decode`` was asked to keep grey images so.
        sha256: hexadecimal SHA-256 of the file's bytes or, where there was no file, of the pixels.
        sha256_of: "file", or "pixels": then of width and height as 4-byte big-endian numbers and the RGB bytes by row.
        notes: one sentence for the sender on every conversion that lost something.
        tags: what a DICOM file says about the image; None for other formats. Not to be logged or returned.
        scale: um/px, where a file says them; what a PIL image carries may be of before a crop or a resize.
    """

    picture: Image.Image
    sha256: str
    sha256_of: Literal["file", "pixels"]
    notes: tuple[str, ...] = ()
    tags: DicomTags | None = None
    scale: Scale | None = None


def decode(source: ImageSource, keep_grey: bool = False) -> DecodedImage:
    """Return the upright 8-bit RGB image in ``source`` with notes on every conversion that loses something.

    EXIF orientation is applied. Alpha is composited over white, CMYK and palettes are converted to RGB, an animation's
    first frame is read, grey deeper than 8 bits is scaled from its bit depth, DICOM goes through its VOI LUT.

    Args:
        source: a path, bytes, a binary file object, a PIL image, or a uint8 array (H, W), (H, W, 3) or (H, W, 4).
        keep_grey: return an image without colour in mode L: what is done to it next costs a third.

    Raises:
        EmptyImageError, UnsupportedImageError, CorruptImageError, ImageTooLargeError, ImageTooSmallError: each says
            what is wrong with the input and what to do.
    """
    notes: tuple[str, ...] = ()
    data = tags = scale = None
    if isinstance(source, np.ndarray):
        opened = _from_array(source)
    elif isinstance(source, Image.Image):
        opened = _load(source)[0].copy()  # the caller's may change while an answer is drawn from ours
    else:
        data = _read(source)
        if dicom.is_dicom(data):
            read = dicom.decode(data, MAX_PIXELS)
            opened, notes, tags, scale = read.image, read.notes, read.tags, read.scale
        else:
            opened, notes = _open(data)
            scale = from_dpi(opened.info)
    _check_size(opened)
    picture, more = _to_8_bits(opened)
    picture = _grey_if_it_is(picture) if keep_grey else _as(picture, "RGB")
    if data is None:
        return DecodedImage(picture, _sha256_of_pixels(picture), "pixels", (*notes, *more))
    return DecodedImage(picture, hashlib.sha256(data).hexdigest(), "file", (*notes, *more), tags, scale)


def has_deep_grey(data: bytes) -> bool:
    """Return whether an image file holds grey values of its own depth, from its header: see ``grey_values``."""
    return dicom.is_grey(data) if dicom.is_dicom(data) else _header(data).mode.startswith("I")


def grey_values(data: bytes) -> GreyValues:
    """Return the grey values of a DICOM file, or of a file with more than 8 bits of grey, upright.

    Raises:
        InputError: as for ``decode``; ``UnsupportedImageError`` if the file holds colours, or grey of 8 bits.
    """
    if dicom.is_dicom(data):
        found = dicom.grey_values(data, MAX_PIXELS)
    else:
        opened, _ = _open(data)
        values = np.asarray(opened) if opened.mode.startswith("I") else None
        found = None if values is None else GreyValues(values.astype(np.float32), 0, 2 ** _bits_of(values) - 1)
    if found is None:
        raise UnsupportedImageError("The picture has no grey values of more than 8 bits: send DICOM, or 16 bits.")
    return found


def _sha256_of_pixels(picture: Image.Image) -> str:
    digest = hashlib.sha256(picture.width.to_bytes(4, "big") + picture.height.to_bytes(4, "big"))
    for top in range(0, picture.height, ROWS_PER_STRIP):  # a copy of all pixels at once could take 192 MB
        strip = (0, top, picture.width, min(top + ROWS_PER_STRIP, picture.height))
        digest.update(_as(picture.crop(strip), "RGB").tobytes())
    return digest.hexdigest()


def _read(source: str | os.PathLike[str] | bytes | BinaryIO) -> bytes:
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not path.is_file():
            raise UnsupportedImageError(f"There is no file {path.name!r}: check the path.")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    elif isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif hasattr(source, "read"):
        data = source.read(MAX_FILE_BYTES + 1)
    else:
        raise UnsupportedImageError(
            f"A {type(source).__name__} is no image: send a path, bytes, a file, a PIL image or a uint8 array."
        )
    if not data:
        raise EmptyImageError("The file is empty: send a picture.")
    if len(data) > MAX_FILE_BYTES:
        raise ImageTooLargeError(f"The file is larger than {MAX_FILE_BYTES // 2**20} MB: send a smaller one.")
    return data


def _open(data: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    image = _header(data)
    turned, frames = _load(image)
    # MPO is a JPEG with a second view or a preview after it; users do not think of it as several frames.
    several = frames > 1 and image.format != "MPO"
    return turned, (f"The file has {frames} frames; the first was read.",) if several else ()


def _header(data: bytes) -> Image.Image:
    """Return the image of which no pixel has been decoded."""
    try:
        with _WARNING_FILTERS, warnings.catch_warnings():
            # MAX_PIXELS, checked next, is stricter than the size from which Pillow warns.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except Exception as error:  # Pillow's readers raise many types on bad bytes: SyntaxError, struct.error, ...
        raise UnsupportedImageError(f"This is not a picture that can be read here: send {READABLE}.") from error


def _load(image: Image.Image) -> tuple[Image.Image, int]:
    """Return the image, decoded and upright, and the number of frames in its file."""
    _check_size(image)  # before a pixel is decoded: the header of a bomb is small
    try:
        image.load()
        frames = getattr(image, "n_frames", 1)  # looks through the rest of the file
        image.load()  # for some formats that look was at other frames
        return _upright(image), frames
    except Exception as error:  # whatever Pillow's readers and EXIF parser raise on damaged bytes
        raise CorruptImageError("The picture is damaged or cut off: save or upload it again.") from error


def _upright(image: Image.Image) -> Image.Image:
    """Return the image turned as its EXIF data say; the image itself, not a copy, where they say nothing."""
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    return ImageOps.exif_transpose(image) if turned else image


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()
    if min(image.size) < MIN_SIDE:
        raise ImageTooSmallError(
            f"The picture is {image.width} x {image.height} px: send one of at least {MIN_SIDE} px a side."
        )


def _too_many_pixels() -> ImageTooLargeError:
    return ImageTooLargeError(f"The picture has more than {MAX_PIXELS // 10**6} megapixels: send a smaller one.")


def _from_array(array: npt.NDArray[np.uint8]) -> Image.Image:
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise UnsupportedImageError(
            f"An array must be uint8 with shape (H, W), (H, W, 3) or (H, W, 4), not {array.dtype} {array.shape}."
        )
    if array.size == 0:
        raise EmptyImageError("The array is empty: send a picture.")
    return Image.fromarray(array)


def _to_8_bits(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Return the image in mode L or RGB."""
    notes: tuple[str, ...] = ()
    if image.mode.startswith("I"):  # I;16, I;16B, I: grey of up to 16 or 32 bits
        image, notes = _deep_grey_to_8_bits(image)
    elif image.mode == "F":
        raise UnsupportedImageError("The pixels are floating-point numbers: save the picture with 8 or 16 bits.")
    elif image.has_transparency_data:
        over = image.convert("RGBA")
        if np.asarray(over)[..., 3].min() < 255:
            notes = ("Transparent parts were laid over white.",)
        image = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    return _as(image, "L" if image.mode in ("1", "L") else "RGB"), notes


def _grey_if_it_is(image: Image.Image) -> Image.Image:
    """Return the image in mode L where its channels are equal: films are often stored in colour."""
    sample = np.asarray(image.resize((SAMPLE_SIDE, SAMPLE_SIDE), Image.Resampling.NEAREST))  # most others end here
    if image.mode == "L" or (sample != sample[..., :1]).any():
        return image
    red, green, blue = image.split()
    return red if red.tobytes() == green.tobytes() == blue.tobytes() else image


def _as(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)


def _deep_grey_to_8_bits(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    values = np.asarray(image)
    bits = _bits_of(values)
    table = np.round(np.arange(2**bits) * (255 / (2**bits - 1))).astype(np.uint8)  # a copy as floats would take GBs
    return Image.fromarray(table[values]), (f"Grey values of {bits} bits were scaled to 8 bits.",)


def _bits_of(values: npt.NDArray[np.integer]) -> int:
    """Return the depth of grey values: radiographs of 10, 12 or 14 bits are often saved in 16 without stretching."""
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 0xFFFF:
        raise UnsupportedImageError("The grey values are outside 0..65535: save the picture with 8 or 16 bits.")
    return next(depth for depth in (8, 10, 12, 14, 16) if high < 2**depth)
