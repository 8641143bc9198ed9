"""Random changes to training pictures that the labels survive and that the real world makes."""

import io
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2

Augmentation = Callable[[Image.Image], Image.Image]


class StainJitter(v2.Transform):
    """Scales and shifts the optical density of each colour channel, as another stain batch or scanner would.

    Optical density is ``-log10(intensity)``: stain amounts add up in it (Beer-Lambert; Ruifrok & Johnston 2001).
    """

    def __init__(self, scale: float = 0.15, shift: float = 0.03) -> None:
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB picture with jittered stain."""
        table = np.arange(256, dtype=np.float32)  # a change per channel and value: 256 entries say it all
        density = -np.log10((table + 1) / 256)
        scale = 1 + self.scale * (2 * torch.rand(3).numpy() - 1)
        shift = self.shift * (2 * torch.rand(3).numpy() - 1)
        intensity = 256 * 10 ** -(density[None] * scale[:, None] + shift[:, None]) - 1  # (3, 256)
        return image.point(np.clip(intensity.round(), 0, 255).astype(np.uint8).ravel().tolist())


class RandomJPEG(v2.Transform):
    """Compresses with a random JPEG quality: in PCam's copies quality goes with the label, and must not be read."""

    def __init__(self, quality: tuple[int, int]) -> None:
        super().__init__()
        self.quality = quality

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB picture after one round of JPEG."""
        low, high = self.quality
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(torch.randint(low, high + 1, ()).item()))
        return Image.open(buffer).convert("RGB")


class RandomRightAngle(v2.Transform):
    """Turns by 0, 90, 180 or 270 degrees: with a flip, the eight symmetries of the square."""

    _TURNS = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the turned picture."""
        turn = self._TURNS[int(torch.randint(4, ()).item())]
        return image if turn is None else image.transpose(turn)


def augmentation_for(kind: Literal["histopathology", "chest-xray"]) -> Augmentation:
    """Return the augmentation (RGB picture to RGB picture of the same size) of a recipe."""
    if kind == "histopathology":
        return v2.Compose(
            [
                v2.RandomHorizontalFlip(),
                RandomRightAngle(),
                v2.RandomApply([v2.GaussianBlur(3, sigma=(0.1, 1.0))], p=0.2),
                StainJitter(),
                RandomJPEG((40, 95)),
            ]
        )
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(p=0.5),
            v2.RandomAffine(
                degrees=8, translate=(0.06, 0.06), scale=(0.88, 1.15), interpolation=v2.InterpolationMode.BILINEAR
            ),
            v2.ColorJitter(brightness=0.25, contrast=0.3),
            v2.RandomApply([v2.GaussianBlur(3, sigma=(0.1, 1.2))], p=0.2),
            RandomJPEG((50, 95)),
        ]
    )
