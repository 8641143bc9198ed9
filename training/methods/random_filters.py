"""Resizes training images by a random filter, so that no answer hinges on the one that the exported model uses."""

from collections.abc import Callable

import torch
from PIL import Image

from overread.preprocessing import Preprocessing

Resize = Callable[[Image.Image], Image.Image]

FILTERS = (
    Image.Resampling.BICUBIC,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BOX,  # mean over the area
)


def random_resize(preprocess: Preprocessing) -> Resize:
    """Return a resize to the model's input size by a random filter, or bilinear without antialiasing."""
    size = preprocess.width, preprocess.height

    def resize(image: Image.Image) -> Image.Image:
        number = int(torch.randint(len(FILTERS) + 1, ()))
        if number < len(FILTERS):
            return image.resize(size, FILTERS[number])
        whole = (0, 0, *image.size)
        return image.transform(size, Image.Transform.EXTENT, whole, Image.Resampling.BILINEAR)

    return resize
