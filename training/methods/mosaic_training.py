"""Mosaic training: a share of the batches is arranged as 2 x 2 mosaics, so that heat maps stay local.

A deep net's receptive field is wider than the image, so its last cells, and the heat map with them, may react to what
lies far away. In a mosaic every image is classified from its own quadrant of the last features. What leaks across a
seam is then an error, which training removes. Quadrants are pooled and classified like single images, so head, labels,
loss and cost stay the same.
"""

from typing import Any

import torch
from torch import Tensor


def train_on_mosaics(net: Any, share: float) -> None:
    """Make a timm net arrange a random share of its training batches as mosaics; changes ``net`` in place.

    Args:
        net: its last features of a mosaic must have an even number of rows and of columns.
        share: of the batches. A batch that is not divisible by four is never arranged.
    """
    features_of = net.forward_features

    def forward_features(images: Tensor) -> Tensor:
        if not net.training or len(images) % 4 or torch.rand(()) >= share:
            return features_of(images)
        return cut(features_of(stitch(images)))

    net.forward_features = forward_features


def stitch(images: Tensor) -> Tensor:
    """Return (N / 4, C, 2H, 2W): four images each as upper left, upper right, lower left and lower right quadrant.

    Args:
        images: (N, C, H, W), N divisible by four; the memory format is kept.
    """
    channels, height, width = images.shape[1:]
    grid = images.reshape(-1, 2, 2, channels, height, width).permute(0, 3, 1, 4, 2, 5)
    stitched = grid.reshape(-1, channels, 2 * height, 2 * width)
    channels_last = images.is_contiguous(memory_format=torch.channels_last)
    return stitched.contiguous(memory_format=torch.channels_last) if channels_last else stitched


def cut(stitched: Tensor) -> Tensor:
    """Return (4N, C, H, W), the quadrants of (N, C, 2H, 2W) in the order of ``stitch``."""
    channels, height, width = stitched.shape[1:]
    grid = stitched.reshape(-1, channels, 2, height // 2, 2, width // 2).permute(0, 2, 4, 1, 3, 5)
    return grid.reshape(-1, channels, height // 2, width // 2)
