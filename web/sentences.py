"""What the core says about images that it does not take, by making it say so."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

from overread.errors import InputError
from overread.images import MAX_FILE_BYTES, MAX_PIXELS, READABLE, DecodedImage, decode
from overread.model_folder import Region
from overread.patches import patch_of
from overread.scale import from_dicom, from_dpi, given

SIZE = (777, 31)  # stands for any: its numbers become {width} and {height}
READABLE_HERE = READABLE.replace("GIF", "GIF, AVIF")  # what browsers decode, with what this page adds


def captured() -> dict[str, str]:
    """Return sentences by what is wrong with a file."""
    side = int(MAX_PIXELS**0.5) + 1
    jpeg = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(jpeg, "JPEG")
    return {
        "empty": _refusal(b""),
        "too_many_bytes": _refusal(bytes(MAX_FILE_BYTES + 1)),
        "unreadable": _refusal(b"no picture").replace(READABLE, READABLE_HERE),
        "damaged": _refusal(jpeg.getvalue()[:-200]),
        "too_many_pixels": _refusal(Image.new("1", (side, side))),
        "too_small": _sized(_refusal(Image.new("L", SIZE))),
        "transparent": decode(Image.new("RGBA", (64, 64))).notes[0],
        "dicom_damaged": _refusal(_dicom(**_PICTURE, PixelData=bytes(16))),
        "dicom_without_picture": _refusal(_dicom()),
        "dicom_compressed": _refusal(_dicom(JPEG2000Lossless, **_PICTURE, PixelData=b"\xfe\xff\x00\xe0" + bytes(4))),
        "frames": decode(_dicom(**_PICTURE | {"NumberOfFrames": 2}, PixelData=bytes(2 * 64 * 64)))
        .notes[0]
        .replace("2", "{frames}", 1),
        "deep_grey": decode(Image.fromarray(np.full((64, 64), 4095, np.uint16))).notes[0].replace("12", "{bits}"),
        "grey_out_of_range": _refusal(Image.fromarray(np.full((64, 64), 70_000, np.int32))),
        "floating": _refusal(Image.new("F", (64, 64))),
        "readable": READABLE_HERE,
    }


def about_scales() -> dict[str, Any]:
    """Return the words for where a scale was read, and for one that is no microscope's."""
    header = {
        "ImagedVolumeWidth": 1,
        "ImagedVolumeHeight": 1,
        "TotalPixelMatrixColumns": 999,
        "TotalPixelMatrixRows": 999,
    }
    found = {
        "given": given(1.0),
        "dpi": from_dpi({"dpi": (25_400, 25_400)}),
        "spacing": from_dicom({"PixelSpacing": (0.001, 0.001)}),
        "volume": from_dicom(header),
    }
    return {
        "sources": {name: scale.source for name, scale in found.items() if scale},
        "implausible": _said(lambda: given(777.0)).replace("777.0", "{mpp}"),
    }


def about_patches(region: Region) -> dict[str, str]:
    """Return sentences about an image that is no patch, is squashed or resampled to one, or whose centre is read."""
    side, spacing = region.patch_px, region.spacing_um_per_px
    other = _image(*SIZE)
    nearly = patch_of(_image(side + 7, side + 8), region).notes
    numbers = {str(side + 7): "{width}", str(side + 8): "{height}"}
    coarse, fine = spacing * 2, spacing / 2
    covered = {f"{SIZE[0] * coarse:.0f}": "{width}", f"{SIZE[1] * 50 * coarse:.0f}": "{height}"}
    return {
        "unknown_scale": _sized(_said(lambda: patch_of(other, region))),
        "squashed": _sized(patch_of(other, region, squash=True).notes[0]),
        "assumed": _replaced(nearly[0], numbers),
        "centred": _replaced(nearly[1], numbers),
        "too_small": _scaled(_said(lambda: patch_of(other, region, fine)), fine),
        "larger": _replaced(
            _scaled(_said(lambda: patch_of(_image(SIZE[0], SIZE[1] * 50), region, coarse)), coarse), covered
        ),
        "resampled": _scaled(patch_of(_image(2 * side, 2 * side), region, fine).notes[0], fine),
        "at_scale": _scaled(patch_of(_image(side, side), region, spacing).notes[0], spacing),
    }


def _image(width: int, height: int) -> DecodedImage:
    return DecodedImage(Image.new("RGB", (width, height)), "", "file")


def _scaled(sentence: str, mpp: float) -> str:
    return _replaced(sentence, {str(given(mpp)): "{scale}"})


def _replaced(sentence: str, names: dict[str, str]) -> str:
    for value, name in names.items():
        if value not in sentence:
            raise AssertionError(f"{value!r} was to be said in {sentence!r}")
        sentence = sentence.replace(value, name)
    return sentence


_PICTURE: dict[str, Any] = {
    "Rows": 64,
    "Columns": 64,
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "PixelRepresentation": 0,
    "BitsAllocated": 8,
    "BitsStored": 8,
    "HighBit": 7,
}


def _dicom(syntax: str = ExplicitVRLittleEndian, **attributes: Any) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    for name, value in attributes.items():
        setattr(dataset, name, value)
    if "PixelData" in attributes:
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = syntax != ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _refusal(source: bytes | Image.Image) -> str:
    return _said(lambda: decode(source))


def _said(ask: Callable[[], object]) -> str:
    try:
        ask()
    except InputError as error:
        return str(error)
    raise AssertionError("what was to be refused was taken")


def _sized(sentence: str) -> str:
    width, height = map(str, SIZE)
    return sentence.replace(width, "{width}").replace(height, "{height}")
