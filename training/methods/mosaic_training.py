"""Teaches a net that evidence belongs where it lies: half of its training batches are seen as 2 x 2 mosaics.

A deep net's receptive field is wider than the picture, so its last cells may speak of what lies far from them, and the
heat map with them. In a mosaic of pictures with and without the finding, each answered from its own quadrant of the
last features, what leaks across a seam is an error, and training takes it out. The quadrants are pooled and classified
as the features of single pictures are, so head, labels, loss and price stay the same.
"""

from typing import Any

import torch
from torch import Tensor

MOSAIC_SHARE = 0.5  # of the batches; the others are seen picture by picture, with borders as in use


def see_mosaics(net: Any, share: float = MOSAIC_SHARE) -> None:
    """Let a timm net see a share of its batches as mosaics while it trains; changes ``net`` in place.

    Args:
        net: its last features of a mosaic must have an even number of rows and of columns.
        share: of the batches. One that four does not divide is seen picture by picture.
    """
    features_of = net.forward_features

    def forward_features(pictures: Tensor) -> Tensor:
        if not net.training or len(pictures) % 4 or torch.rand(()) >= share:
            return features_of(pictures)
        return cut(features_of(stitch(pictures)))

    net.forward_features = forward_features


def stitch(pictures: Tensor) -> Tensor:
    """Return (N / 4, C, 2H, 2W): each four pictures as upper left, upper right, lower left, lower right.

    Args:
        pictures: (N, C, H, W), N divisible by four; the memory format is kept.
    """
    channels, height, width = pictures.shape[1:]
    grid = pictures.reshape(-1, 2, 2, channels, height, width).permute(0, 3, 1, 4, 2, 5)
    stitched = grid.reshape(-1, channels, 2 * height, 2 * width)
    channels_last = pictures.is_contiguous(memory_format=torch.channels_last)
    return stitched.contiguous(memory_format=torch.channels_last) if channels_last else stitched


def cut(stitched: Tensor) -> Tensor:
    """Return (4N, C, H, W), the quadrants of (N, C, 2H, 2W) in the order in which ``stitch`` takes them."""
    channels, height, width = stitched.shape[1:]
    grid = stitched.reshape(-1, channels, 2, height // 2, 2, width // 2).permute(0, 2, 4, 1, 3, 5)
    return grid.reshape(-1, channels, height // 2, width // 2)
