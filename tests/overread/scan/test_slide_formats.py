"""Whole-slide formats, written here as scanners write them: DICOM and Aperio's JPEG 2000."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    SecondaryCaptureImageStorage,
    VLWholeSlideMicroscopyImageStorage,
    generate_uid,
)

from overread.scale import Scale
from overread.scan.opening import open_slide
from overread.scan.slide import WholeImage

Field = Callable[[int, int], Image.Image]
Pixels = npt.NDArray[np.uint8]
TILE = 128


def dicom_file(sop_class: str, rows: int, columns: int, jpeg: bool = False) -> Dataset:
    """Return a data set with what all images have."""
    dataset, meta = Dataset(), FileMetaDataset()
    dataset.file_meta = meta
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID = sop_class
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = JPEGBaseline8Bit if jpeg else ExplicitVRLittleEndian
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = generate_uid(), generate_uid()
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel, dataset.PlanarConfiguration, dataset.PixelRepresentation = 3, 0, 0
    dataset.PhotometricInterpretation = "YBR_FULL_422" if jpeg else "RGB"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    return dataset


def write_dicom_slide(path: Path, pixels: Pixels, jpeg: bool) -> None:
    """Write a tiled whole-slide image (PS3.3 A.32.8) at 0.5 um/px."""
    dataset = dicom_file(VLWholeSlideMicroscopyImageStorage, TILE, TILE, jpeg)
    dataset.Modality, dataset.ImageType = "SM", ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.DimensionOrganizationType, dataset.FrameOfReferenceUID = "TILED_FULL", generate_uid()
    dataset.TotalPixelMatrixRows, dataset.TotalPixelMatrixColumns = pixels.shape[:2]
    dataset.TotalPixelMatrixFocalPlanes = dataset.NumberOfOpticalPaths = 1
    measures, groups, optical_path = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.0005, 0.0005], 0.001
    groups.PixelMeasuresSequence = Sequence([measures])
    optical_path.OpticalPathIdentifier = "1"
    dataset.SharedFunctionalGroupsSequence = Sequence([groups])
    dataset.OpticalPathSequence = Sequence([optical_path])
    frames = []
    for top in range(0, pixels.shape[0], TILE):
        for left in range(0, pixels.shape[1], TILE):
            tile = np.full((TILE, TILE, 3), 255, np.uint8)
            part = pixels[top : top + TILE, left : left + TILE]
            tile[: part.shape[0], : part.shape[1]] = part
            encoded = io.BytesIO()
            Image.fromarray(tile).save(encoded, "JPEG", quality=95)
            frames.append(encoded.getvalue() if jpeg else tile.tobytes())
    dataset.NumberOfFrames = len(frames)
    dataset.PixelData = encapsulate(frames) if jpeg else b"".join(frames)
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path, enforce_file_format=True)


@pytest.mark.parametrize("jpeg", [False, True])
def test_a_dicom_whole_slide_image_is_read_tile_by_tile(field: Field, tmp_path: Path, jpeg: bool) -> None:
    pixels = np.asarray(field(500, 300))
    write_dicom_slide(tmp_path / "slide.dcm", pixels, jpeg)
    slide = open_slide(tmp_path / "slide.dcm")
    assert slide.size == (500, 300) and slide.scale == Scale(0.5, 0.5, "OpenSlide mpp, dicom")
    read = np.asarray(slide.read(0, 90, 60, 300, 200), int)
    assert np.abs(read - pixels[60:260, 90:390]).max() <= (12 if jpeg else 0)
    slide.close()


def test_a_dicom_photograph_is_decoded_whole_with_its_pixel_spacing(field: Field, tmp_path: Path) -> None:
    pixels = np.asarray(field(200, 150))
    dataset = dicom_file(SecondaryCaptureImageStorage, 150, 200)
    dataset.PixelSpacing, dataset.PixelData = [0.0005, 0.00025], pixels.tobytes()
    dataset["PixelData"].VR = "OB"
    dataset.save_as(tmp_path / "photograph.dcm", enforce_file_format=True)
    slide = open_slide(tmp_path / "photograph.dcm")
    assert isinstance(slide, WholeImage) and slide.scale == Scale(0.25, 0.5, "DICOM PixelSpacing")
    assert (np.asarray(slide.read(0, 0, 0, 200, 150)) == pixels).all()


def test_an_svs_in_jpeg_2000_is_read(field: Field, tmp_path: Path) -> None:
    pixels = np.asarray(field(700, 600))
    header = "Aperio Image Library v11.2.1\r\n700x600 [0,0 700x600] (240x240) J2K/YUV16 Q=70|AppMag = 20|MPP = 0.4990"
    with tifffile.TiffWriter(tmp_path / "slide.svs") as writer:
        writer.write(
            pixels,
            photometric="rgb",
            tile=(240, 240),
            compression="APERIO_JP2000_RGB",
            description=header,
            metadata=None,
        )
    slide = open_slide(tmp_path / "slide.svs")
    assert slide.size == (700, 600) and slide.scale == Scale(0.499, 0.499, "OpenSlide mpp, aperio")
    read = np.asarray(slide.read(0, 100, 50, 400, 300), int)
    assert np.abs(read - pixels[50:350, 100:500]).max() <= 2
    slide.close()
