"""Small DICOM files, made with pydicom."""

import io

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

RAMP = np.arange(64 * 48, dtype=np.uint16).reshape(64, 48)


def dicom(pixels: np.ndarray | None = RAMP, **attributes: object) -> bytes:
    """Return a DICOM file with 12-bit grey pixels; ``attributes`` replace or add elements."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    dataset = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    if pixels is not None:
        dataset.Rows, dataset.Columns = pixels.shape[-2:]
        dataset.PixelData = pixels.tobytes()
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    for name, value in attributes.items():
        setattr(dataset, name, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
