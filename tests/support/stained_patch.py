"""Patches that a net learns in a few steps, made from noise."""

import io

import numpy as np
from PIL import Image


def stained_patch(seed: int, label: bool) -> bytes:
    """A patch that a net learns in a few steps: bright where the label is true, dark where not."""
    random = np.random.default_rng(seed)
    pixels = random.normal(170 if label else 90, 40, (96, 96, 3)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
