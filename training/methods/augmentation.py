"""Random changes to training pictures that the labels survive and that the real world makes."""

import io
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageFilter
from torchvision.transforms import v2

from training.recipes.nets import AugmentationKind

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


class RandomToneCurve(v2.Transform):
    """Maps grey values through a random rising curve, as another detector, exposure or display processing would.

    Black and white levels move as well, which adds haze or clips nothing: the order of grey values is kept.
    """

    def __init__(self, steps: int = 6, evenness: float = 4.0, levels: float = 0.3) -> None:
        """Take the number of straight pieces, how alike their slopes are, and how far black and white may move."""
        super().__init__()
        self.steps, self.evenness, self.levels = steps, evenness, levels

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB picture on another tone scale."""
        rises = torch.distributions.Dirichlet(torch.full((self.steps,), self.evenness)).sample().numpy()
        black, white = self.levels * torch.rand(2).numpy() * np.array([1, -1]) + np.array([0, 1])
        knots = black + (white - black) * np.concatenate([[0], rises.cumsum()])
        curve = np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, self.steps + 1), knots)
        return image.point(np.clip(np.round(255 * curve), 0, 255).astype(np.uint8).tolist() * 3)


class RandomSharpness(v2.Transform):
    """Blurs, or sharpens with an unsharp mask, as a detector's own processing does; radii are shares of the side."""

    def __init__(self, largest: float = 0.008) -> None:
        super().__init__()
        self.largest = largest

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB picture blurred or sharpened, each in half of the cases."""
        sharpen, share, amount = torch.rand(3).tolist()
        radius = self.largest * share * min(image.size)
        if sharpen < 0.5:
            return image.filter(ImageFilter.UnsharpMask(radius, percent=int(200 * amount), threshold=0))
        return image.filter(ImageFilter.GaussianBlur(radius))


class RandomShading(v2.Transform):
    """Brightens one side and darkens the other, as the heel effect and an off-centre beam do."""

    def __init__(self, largest: float = 0.25) -> None:
        super().__init__()
        self.largest = largest  # relative change at the edge

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB picture with a linear gain across it, in a random direction."""
        angle, strength = torch.rand(2).tolist()
        down, right = np.sin(2 * np.pi * angle), np.cos(2 * np.pi * angle)
        rows, columns = np.linspace(-1, 1, image.height)[:, None], np.linspace(-1, 1, image.width)[None]
        gain = 1 + self.largest * strength * (down * rows + right * columns)
        values = np.asarray(image, dtype=np.float32) * gain[..., None].astype(np.float32)
        return Image.fromarray(np.clip(values.round(), 0, 255).astype(np.uint8))


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
    if kind == "chest-xray-tone":  # nothing global about grey values or sharpness is left to be read
        return v2.Compose(
            [
                v2.RandomHorizontalFlip(p=0.5),
                v2.RandomAffine(
                    degrees=12,
                    translate=(0.1, 0.1),
                    scale=(0.8, 1.3),
                    shear=(-5, 5, -5, 5),
                    interpolation=v2.InterpolationMode.BILINEAR,
                ),
                v2.RandomEqualize(p=0.2),
                RandomToneCurve(),
                v2.RandomApply([RandomShading()], p=0.5),
                v2.RandomApply([RandomSharpness()], p=0.7),
                EraseMarkers(0.28, 0.35),
                RandomJPEG((30, 95)),
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
