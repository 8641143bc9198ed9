"""Turns an upright RGB image into a model's input tensor: the only place where pixels are resized and scaled.

Size, resampling filter, mean and standard deviation are data in the model's folder (timm's ``pretrained_cfg``), so the
app, AWS Lambda, the training scripts' evaluation and ``transformers`` all preprocess in the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Preprocessing:
    """A model's preprocessing: a squash to ``height`` x ``width`` pixels, then ``(value / 255 - mean) / std``.

    The whole image is squashed, never cropped or padded: in the chest X-ray data set the aspect ratio alone predicts
    the label, and padding would reveal it to the model.
    """

    height: int
    width: int
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def from_pretrained_cfg(cls, cfg: Mapping[str, Any]) -> "Preprocessing":
        """Return the preprocessing that a timm ``pretrained_cfg`` describes.

        Raises:
            ValueError: if it asks for a crop, a filter Pillow lacks, or anything but three channels.
        """
        channels, height, width = cfg["input_size"]
        if channels != 3 or cfg.get("crop_mode") != "squash" or cfg.get("crop_pct") != 1.0:
            raise ValueError("the model folder must ask for three channels and a squash without a crop")
        if cfg["interpolation"] not in _FILTERS:
            raise ValueError(f"unknown interpolation {cfg['interpolation']!r}, expected one of {sorted(_FILTERS)}")
        return cls(height, width, cfg["interpolation"], tuple(cfg["mean"]), tuple(cfg["std"]))

    def to_pretrained_cfg(self) -> dict[str, Any]:
        """Return the timm ``pretrained_cfg`` entries that ``from_pretrained_cfg`` reads back."""
        return {
            "input_size": [3, self.height, self.width],
            "interpolation": self.interpolation,
            "crop_mode": "squash",
            "crop_pct": 1.0,
            "mean": list(self.mean),
            "std": list(self.std),
        }

    def resize(self, image: Image.Image) -> Image.Image:
        """Return the image, in RGB or L, squashed to the model's input size."""
        return image.resize((self.width, self.height), _FILTERS[self.interpolation])

    def normalise(self, image: Image.Image) -> npt.NDArray[np.float32]:
        """Return a (3, H, W) float32 array of ``(value / 255 - mean) / std`` from an image in RGB or L of any size."""
        pixels = np.asarray(image)  # (H, W, 3) or (H, W) uint8
        channels = [pixels] * 3 if pixels.ndim == 2 else [pixels[..., channel] for channel in range(3)]
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        values = (np.arange(256, dtype=np.float32)[:, None] / 255.0 - mean) / std  # (256, 3)
        return np.stack([table.take(channel) for table, channel in zip(values.T, channels, strict=True)])

    def __call__(self, images: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        """Return the batch of images, in RGB or L, as the model's ``pixel_values``, (N, 3, H, W) float32."""
        return np.stack([self.normalise(self.resize(image)) for image in images])
