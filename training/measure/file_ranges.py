"""The range of sizes and of JPEG qualities among the files of a data set."""

import io
from pathlib import Path

import numpy as np
from datasets import Dataset, Image
from PIL import Image as PillowImage

from training.measure.jpeg_quality import NOT_JPEG, jpeg_quality


def describe_files(dataset: Dataset) -> dict[str, list[int]]:
    """Return the smallest and largest width and height (px) and JPEG quality (1..100) among a data set's files.

    The range of qualities is empty where a file is no JPEG.
    """
    stored = dataset.cast_column("image", Image(decode=False))["image"]
    contents = [image["bytes"] or Path(image["path"]).read_bytes() for image in stored]
    sizes = np.array([PillowImage.open(io.BytesIO(content)).size for content in contents])
    qualities = [jpeg_quality(content) for content in contents]
    return {
        "width": [int(sizes[:, 0].min()), int(sizes[:, 0].max())],
        "height": [int(sizes[:, 1].min()), int(sizes[:, 1].max())],
        "jpeg_quality": [] if NOT_JPEG in qualities else [min(qualities), max(qualities)],
    }
