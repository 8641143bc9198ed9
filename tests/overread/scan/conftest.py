"""A model of patches that takes milliseconds, and fields whose every pixel differs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.tiny_model import write_tiny_model

REGION = {"spacing_um_per_px": 0.972, "patch_px": 96, "labelled_centre_px": 32}


@pytest.fixture(scope="session")
def patch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a model of patches of 96 px at 0.972 um/px."""
    return write_tiny_model(tmp_path_factory.mktemp("weights") / "tiny-patches", REGION)


@pytest.fixture(scope="session")
def field() -> Callable[[int, int], Image.Image]:
    """Make a coloured field of a size: smooth, so that resampling hardly changes it, and everywhere tissue."""

    def make(width: int, height: int) -> Image.Image:
        down, across = np.mgrid[:height, :width]
        red = 150 + 90 * np.sin(across / 70) * np.cos(down / 90)
        blue = 150 + 90 * np.cos(across / 110 + down / 60)
        return Image.fromarray(np.stack([red, np.full_like(red, 20), blue], -1).astype(np.uint8))

    return make
