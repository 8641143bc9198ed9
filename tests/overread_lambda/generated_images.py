"""Images to send."""

import base64
import io

import numpy as np
from PIL import Image


def png(width: int, height: int, seed: int = 0) -> bytes:
    """Return a PNG of smooth random colours."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return png_of(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def png_of(image: Image.Image) -> bytes:
    """Return the image as PNG."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def base64_of(data: bytes) -> str:
    """Return bytes as base64 text."""
    return base64.b64encode(data).decode("ascii")
