"""Random resampling filters: nobody knows which one made a published image smaller, or will make a visitor's."""

from collections.abc import Callable

import torch
from PIL import Image
from torchvision.transforms import v2

from overread.preprocessing import Preprocessing

Resize = Callable[[Image.Image], Image.Image]
Size = tuple[int, int]  # width and height, px

# Antialiased filters. The two uses draw from different ones: the published nets were trained that way.
RESIZING = (
    Image.Resampling.BICUBIC,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BOX,  # mean over the area
)
AUGMENTING = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)
PLAIN = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)


def random_resize(preprocess: Preprocessing) -> Resize:
    """Return a resize to the model's input size by a random filter, or bilinear without antialiasing."""
    size = preprocess.width, preprocess.height

    def resize(image: Image.Image) -> Image.Image:
        number = int(torch.randint(len(RESIZING) + 1, ()))
        if number < len(RESIZING):
            return image.resize(size, RESIZING[number])
        return _without_antialiasing(image, size, Image.Resampling.BILINEAR)

    return resize


class RandomResampling(v2.Transform):
    """Scales an image down or up and back to its size, each way with a random filter, antialiased or not."""

    def __init__(self, smallest: float = 0.6, largest: float = 1.6) -> None:
        super().__init__()
        self.smallest, self.largest = smallest, largest  # the scale between, log-uniform

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the image, of the same size and mode, resampled twice."""
        scale = self.smallest * (self.largest / self.smallest) ** float(torch.rand(()))
        between = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        return _resampled(_resampled(image, between), image.size)


def _resampled(image: Image.Image, size: Size) -> Image.Image:
    if torch.rand(()) < 0.7:
        return image.resize(size, AUGMENTING[int(torch.randint(len(AUGMENTING), ()))])
    return _without_antialiasing(image, size, PLAIN[int(torch.randint(len(PLAIN), ()))])


def _without_antialiasing(image: Image.Image, size: Size, kernel: Image.Resampling) -> Image.Image:
    return image.transform(size, Image.Transform.EXTENT, (0, 0, *image.size), kernel)
