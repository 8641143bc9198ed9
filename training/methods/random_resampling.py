"""Random resampling: nobody knows by which filter a published image was made smaller, or a sent one will be."""

import torch
from PIL import Image
from torchvision.transforms import v2

ANTIALIASED = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)
PLAIN = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)


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


def _resampled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if torch.rand(()) < 0.7:
        return image.resize(size, ANTIALIASED[int(torch.randint(len(ANTIALIASED), ()))])
    across, down = image.width / size[0], image.height / size[1]
    kernel = PLAIN[int(torch.randint(len(PLAIN), ()))]
    return image.transform(size, Image.Transform.AFFINE, (across, 0, 0, 0, down, 0), kernel)
