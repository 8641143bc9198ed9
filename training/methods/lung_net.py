"""The lung net: a small U-Net of depthwise-separable convolutions, grey film in, lung probability of each pixel out.

U-Net: Ronneberger et al. 2015. Depthwise-separable convolutions: Howard et al. 2017, MobileNets. 0.3 million parameters
and about 40 million multiply-adds at 112 px.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from overread.errors import ModelFolderError
from training.data.lung_masks import SIDE as MASK_SIDE
from training.data.lung_masks import Mask

SIDE = 112  # input and output height and width, px
WIDTHS = (16, 24, 48, 96, 192)  # channels at strides 2, 2, 4, 8 and 16
WEIGHTS_FILE = "model.safetensors"
BATCH = 32


class LungNet(nn.Module):
    """Grey levels in 0..1, (N, 1, 112, 112), to lung logits of the same height and width, (N, 112, 112)."""

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        """Make a net with random weights.

        Args:
            widths: channels of the stem and of the four scales.
        """
        super().__init__()
        stem, half, quarter, eighth, deepest = widths
        self.stem = nn.Sequential(nn.Conv2d(1, stem, 3, 2, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU())
        self.scale_2 = Separable(stem, half)
        self.scale_4 = nn.Sequential(Separable(half, quarter, 2), Separable(quarter, quarter))
        self.scale_8 = nn.Sequential(Separable(quarter, eighth, 2), *(Separable(eighth, eighth) for _ in range(2)))
        self.scale_16 = nn.Sequential(Separable(eighth, deepest, 2), *(Separable(deepest, deepest) for _ in range(3)))
        self.context = nn.Conv2d(deepest, deepest, 1)  # of the mean over the film: which way up, how much of it is lung
        self.up_8 = nn.Sequential(Separable(deepest + eighth, eighth), Separable(eighth, eighth))
        self.up_4 = nn.Sequential(Separable(eighth + quarter, quarter), Separable(quarter, quarter))
        self.up_2 = nn.Sequential(Separable(quarter + half, half), Separable(half, half))
        self.head = nn.Conv2d(half, 1, 1)

    def forward(self, films: Tensor) -> Tensor:
        """Return lung logits, (N, H, W), of films in 0..1, (N, 1, H, W); H and W are divisible by 16.

        Films are standardised first, so that exposure and contrast matter less.
        """
        centred = films - films.mean((1, 2, 3), keepdim=True)
        standardised = centred / (centred.square().mean((1, 2, 3), keepdim=True) + 1e-4).sqrt()
        half = self.scale_2(self.stem(standardised))
        quarter = self.scale_4(half)
        eighth = self.scale_8(quarter)
        deepest = self.scale_16(eighth)
        deepest = deepest + self.context(deepest.mean((2, 3), keepdim=True))
        up = self.up_8(torch.cat([_doubled(deepest), eighth], 1))
        up = self.up_4(torch.cat([_doubled(up), quarter], 1))
        up = self.up_2(torch.cat([_doubled(up), half], 1))
        return _doubled(self.head(up))[:, 0]


class Separable(nn.Module):
    """A depthwise 3x3 and a pointwise convolution, each with batch norm and ReLU; residual where shapes allow."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.residual = inputs == outputs and stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, outputs, H / stride, W / stride)."""
        found: Tensor = self.layers(features)
        return features + found if self.residual else found


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)


def save_lung_net(net: LungNet, folder: Path) -> None:
    """Write the weights into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in net.state_dict().items()}, folder / WEIGHTS_FILE)


def load_lung_net(folder: Path) -> LungNet:
    """Return the trained net in a folder, in evaluation mode.

    Raises:
        ModelFolderError: if there is none.
    """
    file = folder / WEIGHTS_FILE
    if not file.is_file():
        raise ModelFolderError(f"{folder} holds no lung net: `python -m training train-lungs` trains one.")
    net = LungNet()
    net.load_state_dict(load_file(file))
    return net.eval()


def grey(images: Sequence[Image.Image], side: int = SIDE) -> Tensor:
    """Return (N, 1, side, side) float32 in 0..1: the images in grey, squashed by Pillow's bicubic filter."""
    squashed = [image.convert("L").resize((side, side), Image.Resampling.BICUBIC) for image in images]
    return torch.from_numpy(np.stack([np.asarray(image, np.float32) for image in squashed])[:, None] / 255)


def lung_probabilities(net: LungNet, images: Sequence[Image.Image], side: int = SIDE) -> npt.NDArray[np.float32]:
    """Return (N, side, side) float32: the probability that each pixel shows lung, of images of any size."""
    return np.concatenate(list(_probabilities(net, images, side)))


def _probabilities(net: LungNet, images: Sequence[Image.Image], side: int) -> Iterator[npt.NDArray[np.float32]]:
    for start in range(0, len(images), BATCH):
        with torch.inference_mode():
            logits = net(grey(images[start : start + BATCH]))[:, None]
            if side != SIDE:
                logits = functional.interpolate(logits, size=(side, side), mode="bilinear", align_corners=False)
        yield logits[:, 0].sigmoid().numpy()


def pseudo_lungs(images: Sequence[Image.Image], trained: Path) -> Mask:
    """Return (N, 224, 224) bool masks that the net finds in upright films of any size, in grey or RGB.

    Args:
        images: of films for which nobody drew a mask.
        trained: the folder of the trained net, ``runs/chest-xray-lungs/final``.

    Raises:
        ModelFolderError: if the folder holds no trained net.
    """
    return lung_probabilities(load_lung_net(trained), images, MASK_SIDE) >= 0.5
