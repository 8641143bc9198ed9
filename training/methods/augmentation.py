"""Augmentation: random changes of training images that do not change the label."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFilter
from torchvision.transforms import v2

from training.methods.random_resampling import RandomResampling
from training.recipes.augmentation_strengths import (
    AUGMENTATIONS,
    AugmentationName,
    ChestXrayAugmentation,
    HistopathologyAugmentation,
)

Augmentation = Callable[[Image.Image], Image.Image]


class StainJitter(v2.Transform):
    """Scales and shifts the optical density of each colour channel, as another stain batch or scanner does.

    Optical density is ``-log10(intensity)``, in which amounts of stain add up (Beer-Lambert; Ruifrok & Johnston 2001).
    """

    def __init__(self, scale: float, shift: float) -> None:
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB image with jittered stain."""
        table = np.arange(256, dtype=np.float32)  # the change depends on channel and value only: a lookup table
        density = -np.log10((table + 1) / 256)
        scale = 1 + self.scale * (2 * torch.rand(3).numpy() - 1)
        shift = self.shift * (2 * torch.rand(3).numpy() - 1)
        intensity = 256 * 10 ** -(density[None] * scale[:, None] + shift[:, None]) - 1  # (3, 256)
        return image.point(np.clip(intensity.round(), 0, 255).astype(np.uint8).ravel().tolist())


class RandomJPEG(v2.Transform):
    """Compresses with a random JPEG quality, which hides the file's own: in copies of PCam it predicts the label."""

    def __init__(self, quality: tuple[int, int]) -> None:
        super().__init__()
        self.quality = quality

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB image, compressed once more."""
        low, high = self.quality
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(torch.randint(low, high + 1, ()).item()))
        return Image.open(buffer).convert("RGB")


class RandomRightAngle(v2.Transform):
    """Rotates by 0, 90, 180 or 270 degrees: with a flip, the eight symmetries of the square."""

    _TURNS = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the rotated image."""
        turn = self._TURNS[int(torch.randint(4, ()).item())]
        return image if turn is None else image.transpose(turn)


class RandomGamma(v2.Transform):
    """Raises intensities to a random power, as another exposure or display curve does."""

    def __init__(self, largest: float) -> None:
        super().__init__()
        self.largest = largest  # the power is log-uniform in 1 / largest..largest

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB image with another gamma."""
        gamma = self.largest ** float(2 * torch.rand(()) - 1)
        table = np.round(255 * np.linspace(0, 1, 256) ** gamma).astype(np.uint8).tolist()
        return image.point(table * 3)


class RandomToneCurve(v2.Transform):
    """Maps grey values through a random monotone curve, as another detector, exposure or display processing does.

    Black rises and white falls, as with scattered radiation; the order of grey values stays.
    """

    def __init__(self, steps: int = 6, evenness: float = 4.0, levels: float = 0.3) -> None:
        """Store the settings.

        Args:
            steps: number of linear pieces.
            evenness: concentration of the Dirichlet distribution of their slopes; the higher, the more alike.
            levels: largest change of black and of white, as a fraction of the range.
        """
        super().__init__()
        self.steps, self.evenness, self.levels = steps, evenness, levels

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB image on another tone scale."""
        rises = torch.distributions.Dirichlet(torch.full((self.steps,), self.evenness)).sample().numpy()
        black, white = self.levels * torch.rand(2).numpy() * np.array([1, -1]) + np.array([0, 1])
        knots = black + (white - black) * np.concatenate([[0], rises.cumsum()])
        curve = np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, self.steps + 1), knots)
        return image.point(np.clip(np.round(255 * curve), 0, 255).astype(np.uint8).tolist() * 3)


class RandomSharpness(v2.Transform):
    """Blurs, or sharpens with an unsharp mask, as a detector's own processing does."""

    def __init__(self, largest: float = 0.008) -> None:
        super().__init__()
        self.largest = largest  # radius, as a fraction of the shorter side

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB image blurred or sharpened, each with probability 0.5."""
        sharpen, strength, amount = torch.rand(3).tolist()
        radius = self.largest * strength * min(image.size)
        if sharpen < 0.5:
            return image.filter(ImageFilter.UnsharpMask(radius, percent=int(200 * amount), threshold=0))
        return image.filter(ImageFilter.GaussianBlur(radius))


class RandomShading(v2.Transform):
    """Brightens one side and darkens the other, as the heel effect and an off-centre beam do."""

    def __init__(self, largest: float = 0.25) -> None:
        super().__init__()
        self.largest = largest  # relative change at the edge

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB image with a linear gain across it, in a random direction."""
        angle, strength = torch.rand(2).tolist()
        down, right = np.sin(2 * np.pi * angle), np.cos(2 * np.pi * angle)
        rows, columns = np.linspace(-1, 1, image.height)[:, None], np.linspace(-1, 1, image.width)[None]
        gain = 1 + self.largest * strength * (down * rows + right * columns)
        values = np.asarray(image, dtype=np.float32) * gain[..., None].astype(np.float32)
        return Image.fromarray(np.clip(values.round(), 0, 255).astype(np.uint8))


class CropAndStretch(v2.RandomResizedCrop):
    """Cuts out a part of random proportions and stretches it to the film's size, as a tighter collimation would."""

    def __init__(self, area: tuple[float, float], ratio: tuple[float, float]) -> None:
        super().__init__(1, area, ratio, v2.InterpolationMode.BILINEAR)  # the size is the film's, see below

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Return the part to cut out, and remember the film's size."""
        self.size = v2.functional.get_size(flat_inputs[0])
        return super().make_params(flat_inputs)


class EraseMarkers(v2.Transform):
    """Paints grey boxes over corners, where radiographs carry lead markers and burnt-in letters."""

    def __init__(self, largest: float, p: float) -> None:
        super().__init__()
        self.largest, self.p = largest, p  # fraction of the side; probability for each corner

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB image with boxes over some corners."""
        image = image.copy()
        for right, bottom in ((0, 0), (0, 1), (1, 0), (1, 1)):
            if torch.rand(()) >= self.p:
                continue
            across, down = self.largest * torch.rand(2)
            width, height = max(1, int(across * image.width)), max(1, int(down * image.height))
            grey = int(torch.randint(0, 256, ()))
            left, top = right * (image.width - width), bottom * (image.height - height)
            image.paste((grey,) * 3, (left, top, left + width, top + height))
        return image


class EraseBorders(v2.Transform):
    """Paints a grey band along some sides, as collimators, film holders and careless crops leave."""

    def __init__(self, largest: float, p: float) -> None:
        super().__init__()
        self.largest, self.p = largest, p  # fraction of the side; probability for each side

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the RGB image with bands along some sides."""
        image = image.copy()
        width, height = image.size
        across, down = (max(1, int(self.largest * float(torch.rand(())) * side)) for side in image.size)
        bands = ((0, 0, across, height), (width - across, 0, width, height))
        for box in (*bands, (0, 0, width, down), (0, height - down, width, height)):
            if torch.rand(()) < self.p:
                image.paste((int(torch.randint(0, 256, ())),) * 3, box)
        return image


def augmentation_for(name: AugmentationName) -> Augmentation:
    """Return the augmentation of that name, see ``recipes/augmentation_strengths.py``; images keep their size."""
    settings = AUGMENTATIONS[name]
    if isinstance(settings, HistopathologyAugmentation):
        return v2.Compose(_histopathology(settings))
    return v2.Compose([*film_placement(settings), *film_exposure(settings), *film_processing(settings)])


def _histopathology(settings: HistopathologyAugmentation) -> list[v2.Transform]:
    return [
        v2.RandomHorizontalFlip(),
        RandomRightAngle(),
        v2.RandomApply([v2.GaussianBlur(3, settings.blur_sigma)], settings.blur),
        StainJitter(settings.stain_scale, settings.stain_shift),
        RandomJPEG(settings.jpeg_quality),
    ]


def film_placement(settings: ChestXrayAugmentation) -> Iterator[v2.Transform]:
    """Yield what moves a film, and its lung mask (``torchvision.tv_tensors.Mask``) with it."""
    yield v2.RandomHorizontalFlip()
    if settings.crop:
        yield v2.RandomApply([CropAndStretch(settings.crop_area, settings.crop_ratio)], settings.crop)
    yield v2.RandomAffine(
        settings.degrees,
        (settings.translate, settings.translate),
        settings.scale,
        (-settings.shear, settings.shear) * 2 if settings.shear else None,
        v2.InterpolationMode.BILINEAR,
    )


def film_exposure(settings: ChestXrayAugmentation) -> Iterator[v2.Transform]:
    """Yield what changes a film's grey values."""
    if settings.equalize:
        yield v2.RandomEqualize(settings.equalize)
    if settings.autocontrast:
        yield v2.RandomAutocontrast(settings.autocontrast)
    if settings.gamma:
        yield RandomGamma(settings.gamma)
    if settings.tone_curve:
        yield RandomToneCurve()
    if settings.brightness or settings.contrast:
        yield v2.ColorJitter(settings.brightness, settings.contrast)
    if settings.shading:
        yield v2.RandomApply([RandomShading()], settings.shading)


def film_processing(settings: ChestXrayAugmentation) -> Iterator[v2.Transform]:
    """Yield what happens to a film between the detector and the net, which must not move an answer."""
    if settings.resampling:
        yield v2.RandomApply([RandomResampling()], settings.resampling)
    if settings.sharpness:
        yield v2.RandomApply([RandomSharpness()], settings.sharpness)
    if settings.blur:
        yield v2.RandomApply([v2.GaussianBlur(settings.blur_kernel, settings.blur_sigma)], settings.blur)
    if settings.erased_corner:
        yield EraseMarkers(settings.erased_size, settings.erased_corner)
    if settings.erased_border:
        yield EraseBorders(settings.erased_band, settings.erased_border)
    yield RandomJPEG(settings.jpeg_quality)
