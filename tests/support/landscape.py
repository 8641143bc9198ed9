"""A drawn landscape: a colour image that no model here reads."""

import io

import numpy as np
from PIL import Image, ImageDraw


def landscape(width: int = 320, height: int = 240) -> Image.Image:
    """Return an RGB image of a sky that brightens towards the horizon, a sun, hills and a house."""
    down = np.linspace(0, 1, height)[:, None]  # (height, 1)
    sky = np.stack([70 + 120 * down, 130 + 80 * down, 220 + 20 * down], axis=2)  # (height, 1, 3)
    image = Image.fromarray(np.repeat(sky, width, axis=1).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((0.7 * width, 0.1 * height, 0.85 * width, 0.3 * height), fill=(255, 220, 60))
    draw.ellipse((-0.3 * width, 0.55 * height, 0.7 * width, 1.6 * height), fill=(60, 140, 50))
    draw.ellipse((0.4 * width, 0.65 * height, 1.4 * width, 1.7 * height), fill=(90, 170, 60))
    draw.rectangle((0.2 * width, 0.5 * height, 0.35 * width, 0.7 * height), fill=(180, 60, 40))
    return image


def landscape_png() -> bytes:
    """Return the landscape as a PNG file."""
    buffer = io.BytesIO()
    landscape().save(buffer, "PNG")
    return buffer.getvalue()
