"""What the core says about images that it does not take, by making it say so."""

import io
from collections.abc import Callable
from typing import Any

from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

from overread.errors import InputError
from overread.images import MAX_FILE_BYTES, MAX_PIXELS, READABLE, DecodedImage, decode
from overread.model_folder import Region
from overread.patches import patch_of

SIZE = (777, 31)  # stands for any: its numbers become {width} and {height}
# What browsers decode, with what this page adds; Pillow reads TIFF and JPEG 2000 too.
READABLE_HERE = "PNG, JPEG, BMP, WebP, GIF, AVIF or DICOM"


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
        "dicom_frames": decode(_dicom(**_PICTURE | {"NumberOfFrames": 2}, PixelData=bytes(2 * 64 * 64)))
        .notes[0]
        .replace("2", "{frames}", 1),
        "readable": READABLE_HERE,
    }


def about_patches(region: Region) -> dict[str, Any]:
    """Return sentences about an image that is no patch, that is squashed to one, or whose centre is read."""
    other = DecodedImage(Image.new("RGB", SIZE), "", "file")
    nearly = DecodedImage(Image.new("RGB", (region.patch_px + 7, region.patch_px + 8)), "", "file")
    numbers = {str(region.patch_px + 7): "{width}", str(region.patch_px + 8): "{height}"}
    centred = list(patch_of(nearly, region).notes)
    for number, name in numbers.items():
        centred = [note.replace(number, name) for note in centred]
    return {
        "unknown_scale": _sized(_said(lambda: patch_of(other, region))),
        "squashed": _sized(patch_of(other, region, squash=True).notes[0]),
        "centred": centred,
    }


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
