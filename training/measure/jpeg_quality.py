"""The JPEG quality of a file, read from its quantisation table."""

import io
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

NOT_JPEG = 101  # stands for the quality of other files: above the highest


def jpeg_quality(data: bytes) -> int:
    """Return the quality, 1..100, whose luminance table in libjpeg (ITU-T T.81, K.1, scaled) is nearest to the file's.

    Files of other formats have ``NOT_JPEG``.
    """
    with Image.open(io.BytesIO(data)) as image:
        tables: dict[int, list[int]] = getattr(image, "quantization", {})
    if not tables:
        return NOT_JPEG
    distances = np.abs(_luminance_tables() - np.asarray(tables[min(tables)])).sum(axis=1)
    return int(distances.argmin()) + 1


@cache
def _luminance_tables() -> npt.NDArray[np.int64]:
    """(100, 64): row q - 1 is libjpeg's table at quality q."""
    rows = []
    for quality in range(1, 101):
        buffer = io.BytesIO()
        Image.new("L", (8, 8)).save(buffer, "JPEG", quality=quality)
        with Image.open(buffer) as image:
            rows.append(image.quantization[0])  # type: ignore[attr-defined]
    return np.array(rows, np.int64)
