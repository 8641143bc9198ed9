import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from overread.errors import UnknownScaleError
from overread.scale import Scale, from_dicom, from_dpi, given


def test_dpi_of_a_microscope_is_a_scale_and_dpi_of_a_printer_is_none() -> None:
    assert from_dpi({"dpi": (25400 / 0.5, 25400 / 0.25)}) == Scale(0.5, 0.25, "pixels per inch in the file")
    for dpi in ((72, 72), (300, 300), (0, 0)):
        assert from_dpi({"dpi": dpi}) is None
    assert from_dpi({}) is None


@pytest.mark.parametrize("mpp", [0.0, -1.0, 100.0, (0.5, 50.0)])
def test_a_scale_of_no_microscope_is_refused(mpp: float) -> None:
    with pytest.raises(UnknownScaleError, match="40x is about"):
        given(mpp)


def test_dicom_pixel_spacing_is_row_first() -> None:
    header = Dataset()
    header.PixelSpacing = [0.0005, 0.00025]  # mm, down and across
    assert from_dicom(header) == Scale(0.25, 0.5, "DICOM PixelSpacing")


def test_dicom_pixel_spacing_is_found_in_the_shared_functional_groups() -> None:
    measures, groups, header = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [0.001, 0.001]
    groups.PixelMeasuresSequence = Sequence([measures])
    header.SharedFunctionalGroupsSequence = Sequence([groups])
    assert from_dicom(header) == Scale(1.0, 1.0, "DICOM PixelSpacing")


def test_dicom_imaged_volume_over_the_pixel_matrix_is_a_scale() -> None:
    header = Dataset()
    header.ImagedVolumeWidth, header.ImagedVolumeHeight = 10.0, 5.0  # mm
    header.TotalPixelMatrixColumns, header.TotalPixelMatrixRows = 20_000, 20_000
    assert from_dicom(header) == Scale(0.5, 0.25, "DICOM ImagedVolume")


def test_a_film_in_millimetres_has_no_scale_of_a_microscope() -> None:
    header = Dataset()
    header.PixelSpacing = [0.143, 0.143]
    assert from_dicom(header) is None
