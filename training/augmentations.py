"""Random changes to training pictures that the labels survive and that the real world makes."""

import io
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2

from training.recipes import AugmentationKind

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


class RandomGamma(v2.Transform):
    """Raises intensities to a random power, as another exposure or display curve would."""

    def __init__(self, largest: float) -> None:
        super().__init__()
        self.largest = largest  # the power lies between 1 / largest and largest, evenly on a log scale

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB picture with another gamma."""
        gamma = self.largest ** float(2 * torch.rand(()) - 1)
        table = np.round(255 * np.linspace(0, 1, 256) ** gamma).astype(np.uint8).tolist()
        return image.point(table * 3)


class EraseMarkers(v2.Transform):
    """Paints a grey box over one or more corners, where a radiograph carries its lead markers and burnt-in letters."""

    def __init__(self, largest: float = 0.22, p: float = 0.3) -> None:
        super().__init__()
        self.largest, self.p = largest, p  # of the picture's side; for each corner

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB picture with boxes over some corners."""
        image = image.copy()
        for right, bottom in ((0, 0), (0, 1), (1, 0), (1, 1)):
            if torch.rand(()) >= self.p:
                continue
            shares = self.largest * torch.rand(2)
            width, height = max(1, int(shares[0] * image.width)), max(1, int(shares[1] * image.height))
            grey = int(torch.randint(0, 256, ()))
            left, top = right * (image.width - width), bottom * (image.height - height)
            image.paste((grey,) * 3, (left, top, left + width, top + height))
        return image


def augmentation_for(kind: AugmentationKind) -> Augmentation:
    """Return the augmentation (RGB picture to RGB picture of the same size) of a stage."""
    if kind.startswith("histopathology"):
        strong = kind.endswith("strong")
        return v2.Compose(
            [
                v2.RandomHorizontalFlip(),
                RandomRightAngle(),
                v2.RandomApply([v2.GaussianBlur(3, sigma=(0.1, 1.0))], p=0.2),
                StainJitter(0.22, 0.05) if strong else StainJitter(),
                RandomJPEG((40, 95)),
            ]
        )
    if kind == "chest-xray":
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
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(p=0.5),
            v2.RandomAffine(
                degrees=10, translate=(0.08, 0.08), scale=(0.85, 1.2), interpolation=v2.InterpolationMode.BILINEAR
            ),
            v2.RandomEqualize(p=0.1),
            v2.RandomAutocontrast(p=0.2),
            RandomGamma(1.7),
            v2.ColorJitter(brightness=0.25, contrast=0.4),
            v2.RandomApply([v2.GaussianBlur(5, sigma=(0.1, 1.6))], p=0.25),
            EraseMarkers(),
            RandomJPEG((35, 95)),
        ]
    )
