"""Decodes DICOM files with pydicom: modality and VOI LUT, MONOCHROME1 inversion, 8 bits."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from overread.dicom_tags import DicomTags, read_tags
from overread.errors import CorruptImageError, ImageTooLargeError, UnsupportedImageError
from overread.grey_values import GreyValues
from overread.scale import Scale, from_dicom


@dataclass(frozen=True)
class DicomImage:
    """An image (mode L or RGB) as a viewer would show it, notes for the sender, and what the file says about it."""

    image: Image.Image
    notes: tuple[str, ...]
    tags: DicomTags
    scale: Scale | None = None


def is_dicom(data: bytes) -> bool:
    """Return whether the bytes are a DICOM file: "DICM" after a preamble of 128 bytes (PS3.10 section 7.1)."""
    return data[128:132] == b"DICM"


def decode(data: bytes, max_pixels: int) -> DicomImage:
    """Return the image in a DICOM file.

    Grey values go through the modality LUT and the VOI LUT or window (DICOM PS3.3 C.11.1, C.11.2) and are then
    stretched from their own smallest and largest value to 0..255; MONOCHROME1, where high means dark, is inverted.

    Raises:
        UnsupportedImageError: the file has no pixel data, or no installed decoder reads its compression.
        CorruptImageError: the file cannot be read.
        ImageTooLargeError: more than ``max_pixels`` pixels.
    """
    from pydicom.pixels import apply_modality_lut, apply_voi_lut, convert_color_space

    dataset, pixels, frames = _first_frame(data, max_pixels)
    notes = (f"The file has {frames} frames; the first was read.",) if frames > 1 else ()
    with _sensible_grey_values():
        tags, scale, photometric = read_tags(dataset), from_dicom(dataset), _photometric(dataset)
        if pixels.ndim == 3:
            if photometric.startswith("YBR"):
                pixels = convert_color_space(pixels, photometric, "RGB")
            return DicomImage(Image.fromarray(pixels.astype(np.uint8)), notes, tags, scale)
        grey = apply_voi_lut(apply_modality_lut(pixels, dataset), dataset).astype(np.float32)
        low, high = float(grey.min()), float(grey.max())
        grey = (grey - low) * (255 / (high - low or 1.0))
        if photometric == "MONOCHROME1":
            grey = 255 - grey
        return DicomImage(Image.fromarray(np.round(grey).astype(np.uint8)), notes, tags, scale)


def grey_values(data: bytes, max_pixels: int) -> GreyValues | None:
    """Return the grey values in a DICOM file after the modality LUT, with the file's first window; None for colours.

    Raises:
        InputError: as for ``decode``.
    """
    from pydicom.pixels import apply_modality_lut

    dataset, pixels, _ = _first_frame(data, max_pixels)
    if pixels.ndim == 3:
        return None
    with _sensible_grey_values():
        values = np.asarray(apply_modality_lut(pixels, dataset), np.float32)
        low, high = float(values.min()), float(values.max())
        if "WindowCenter" in dataset and "WindowWidth" in dataset:  # of several, the first is the preferred one
            centre, width = (float(np.ravel(dataset[name].value)[0]) for name in ("WindowCenter", "WindowWidth"))
            low, high = centre - width / 2, centre + width / 2
        return GreyValues(values, low, high, _photometric(dataset) == "MONOCHROME1")


def is_grey(data: bytes) -> bool:
    """Return whether a DICOM file says that it holds grey values; False where that cannot be read."""
    import pydicom

    try:
        return int(pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True).get("SamplesPerPixel", 1)) == 1
    except Exception:  # pydicom raises many types on bad bytes
        return False


def _first_frame(data: bytes, max_pixels: int) -> tuple[Any, npt.NDArray[Any], int]:
    """Return the data set, the pixels of its first frame and the number of frames; raises as ``decode``."""
    import pydicom  # imported here, since it takes half a second that other formats do not need
    from pydicom.pixels import pixel_array

    try:
        dataset = pydicom.dcmread(io.BytesIO(data))
        frames = int(dataset.get("NumberOfFrames", 1) or 1)
        size = int(dataset.get("Rows", 0)) * int(dataset.get("Columns", 0))
    except Exception as error:  # pydicom raises many types on bad bytes
        raise CorruptImageError("The DICOM file is damaged or cut off: export it again.") from error
    if size == 0 or "PixelData" not in dataset:
        raise UnsupportedImageError("The DICOM file holds no picture: send an image object, not a report.")
    if size > max_pixels:
        raise ImageTooLargeError(f"The picture has more than {max_pixels // 10**6} megapixels: send a smaller one.")
    try:
        return dataset, pixel_array(dataset, index=0 if frames > 1 else None), frames
    except (RuntimeError, NotImplementedError) as error:  # no decoder for this transfer syntax
        raise UnsupportedImageError(
            "The DICOM file's compression cannot be read here: export it uncompressed or as PNG."
        ) from error
    except Exception as error:
        raise CorruptImageError("The DICOM file is damaged or cut off: export it again.") from error


def _photometric(dataset: Any) -> str:
    return str(dataset.get("PhotometricInterpretation", ""))


@contextmanager
def _sensible_grey_values() -> Iterator[None]:
    """Turn what pydicom and numpy raise on a tag, a window, a rescaling or a colour space that makes no sense."""
    try:
        yield
    except Exception as error:
        raise CorruptImageError("The DICOM file's grey values cannot be read: export it again.") from error
