"""Corrupts validation images, strongly but realistically: models are compared on them where clean ones are too easy.

An image gets one of seven corruptions, by row number: exposure, blur, compression, crop, painted corners, haze or
sharpening (Hendrycks & Dietterich 2019 define such families). Test images are never corrupted.
"""

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

KINDS = ("exposure", "blur", "compression", "crop", "corners", "haze", "sharpening")


def corrupt(image: Image.Image, row: int, seed: int = 2026) -> Image.Image:
    """Return the corrupted RGB image, of the same size; row number and seed determine how."""
    random = np.random.default_rng((seed, row))
    kind = KINDS[row % len(KINDS)]
    side = min(image.size)
    if kind == "exposure":
        gamma = float(random.choice([random.uniform(0.45, 0.65), random.uniform(1.6, 2.2)]))
        table = np.round(255 * np.linspace(0, 1, 256) ** gamma).astype(np.uint8).tolist()
        return ImageEnhance.Contrast(image.point(table * 3)).enhance(float(random.uniform(0.5, 1.5)))
    if kind == "blur":
        return image.filter(ImageFilter.GaussianBlur(float(random.uniform(0.006, 0.014)) * side))
    if kind == "compression":
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(random.integers(8, 22)))
        return Image.open(buffer).convert("RGB")
    if kind == "crop":
        kept = random.uniform(0.78, 0.9)
        width, height = int(kept * image.width), int(kept * image.height)
        left, top = (int(random.integers(0, room + 1)) for room in (image.width - width, image.height - height))
        return image.crop((left, top, left + width, top + height)).resize(image.size, Image.Resampling.BICUBIC)
    if kind == "haze":  # scattered radiation, or another display window, lifts black and lowers contrast
        black, white = random.uniform(0.15, 0.4), random.uniform(0.75, 1.0)
        table = np.round(255 * np.linspace(black, white, 256)).astype(np.uint8).tolist()
        return image.point(table * 3)
    if kind == "sharpening":
        radius = float(random.uniform(0.008, 0.02)) * side
        return image.filter(ImageFilter.UnsharpMask(radius, percent=int(random.integers(100, 250)), threshold=0))
    painted = image.copy()
    for right, bottom in ((0, 0), (0, 1), (1, 0), (1, 1)):
        width, height = (int(random.uniform(0.1, 0.28) * length) for length in image.size)
        left, top = right * (image.width - width), bottom * (image.height - height)
        painted.paste((int(random.integers(0, 256)),) * 3, (left, top, left + width, top + height))
    return painted
