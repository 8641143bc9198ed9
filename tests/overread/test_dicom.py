"""DICOM files made with pydicom, read through overread.images.decode."""

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from overread.errors import CorruptImageError, ImageTooLargeError, UnsupportedImageError
from overread.images import decode
from tests.support.dicom_file import RAMP, dicom


def grey(data: bytes) -> np.ndarray:
    picture = np.asarray(decode(data).picture)
    assert (picture == picture[..., :1]).all()
    return picture[..., 0]


def test_grey_is_stretched_to_8_bits() -> None:
    np.testing.assert_allclose(grey(dicom()), RAMP / RAMP.max() * 255, atol=0.51)


def test_monochrome1_is_inverted() -> None:
    inverted = grey(dicom(PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_allclose(inverted, 255 - RAMP / RAMP.max() * 255, atol=0.51)


def test_the_window_is_applied() -> None:
    center, width = 1000.0, 800.0
    # DICOM PS3.3 C.11.2.1.2.1, linear
    expected = np.clip((RAMP - (center - 0.5)) / (width - 1) + 0.5, 0, 1) * 255
    np.testing.assert_allclose(grey(dicom(WindowCenter=center, WindowWidth=width)), expected, atol=0.6)


def test_the_first_of_several_frames_is_read() -> None:
    decoded = decode(dicom(np.stack([RAMP, RAMP[::-1]]), NumberOfFrames=2))
    assert "2 frames" in decoded.notes[0]
    np.testing.assert_allclose(np.asarray(decoded.picture)[..., 0], RAMP / RAMP.max() * 255, atol=0.51)


def test_a_constant_image_is_black() -> None:
    assert grey(dicom(np.full((64, 48), 7, np.uint16))).max() == 0


def test_a_report_without_pixels_is_refused() -> None:
    with pytest.raises(UnsupportedImageError, match="holds no picture"):
        decode(dicom(None))


def test_a_declared_size_above_the_limit_is_refused_before_pixels_are_read() -> None:
    with pytest.raises(ImageTooLargeError, match="64 megapixels"):
        decode(dicom(Rows=60_000, Columns=60_000))


def test_pixels_that_end_early_are_refused() -> None:
    with pytest.raises(CorruptImageError, match="damaged or cut off"):
        decode(dicom(Rows=640))


def test_an_unreadable_compression_is_refused() -> None:
    data = bytearray(dicom())
    old, new = (uid.encode() for uid in (ExplicitVRLittleEndian, JPEGLSLossless))
    at = data.find(old)
    longer = new + b"\0" * (len(new) % 2)
    data[at - 2 : at] = len(longer).to_bytes(2, "little")  # the element's length
    data[at : at + len(old) + len(old) % 2] = longer
    group_length = data.find(b"\x02\x00\x00\x00UL\x04\x00") + 8
    grown = int.from_bytes(data[group_length : group_length + 4], "little") + len(longer) - len(old) - len(old) % 2
    data[group_length : group_length + 4] = grown.to_bytes(4, "little")
    with pytest.raises((UnsupportedImageError, CorruptImageError), match="DICOM"):
        decode(bytes(data))
