"""The grid pointing game: does a heat map put its evidence where the finding is, without anybody having drawn it?

One picture with the finding and three without make a 2 x 2 mosaic; the score is the share of the map's positive
evidence in the finding's quadrant, 0.25 by chance (Böhle et al. 2021, Convolutional Dynamic Alignment Networks; Rao et
al. 2022, Towards Better Understanding Attribution Methods). Both papers keep only pictures that the model is right and
sure about; here every picture may be drawn, so a model that errs pays for it. A cell near the seam sees both sides.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from training.gradcam import HeatmapClassifier
from training.perturbation import Estimate, estimate_mean

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]
MapOf = Callable[[Floats], Floats]  # pixel values (N, 3, H, W) float32 -> heat maps (N, h, w)


@dataclass(frozen=True)
class Mosaics:
    """Which pictures make which mosaic; pixels are copied batch by batch only."""

    pixel_values: Floats  # (N, 3, H, W): the single pictures
    pictures: Integers  # (count, 4): rows of pixel_values, upper left, upper right, lower left, lower right
    quadrants: Integers  # (count,): 0 to 3 in that order, where the picture with the finding is

    def batches(self, size: int) -> Iterator[tuple[Floats, Integers]]:
        """Yield pixel values (B, 3, 2H, 2W) and quadrants (B,), with B = ``size`` in all but the last batch."""
        channels, height, width = self.pixel_values.shape[1:]
        for start in range(0, len(self.quadrants), size):
            tiles = self.pixel_values[self.pictures[start : start + size]]  # (B, 4, 3, H, W)
            grid = tiles.reshape(-1, 2, 2, channels, height, width).transpose(0, 3, 1, 4, 2, 5)
            yield grid.reshape(-1, channels, 2 * height, 2 * width), self.quadrants[start : start + size]


@dataclass(frozen=True)
class PointingGame(Estimate):
    """The mean share of positive evidence in the finding's quadrant, with its 95 % interval over mosaics."""

    mosaics: int
    empty: int  # mosaics on which the map shows no positive evidence at all; each scores 0
    grid: tuple[int, int]  # cells of the mosaic's map: height, width


def mosaics(pixel_values: Floats, labels: Integers, count: int, seed: int = 2026) -> Mosaics:
    """Return ``count`` mosaics of one picture with the finding and three different ones without.

    Which pictures meet where depends on the labels, the count and the seed only: models that read other pixels of the
    same pictures play the same game. No positive picture comes twice before all have come once.

    Args:
        pixel_values: (N, 3, H, W) float32, preprocessed.
        labels: (N,) 1 with the finding, 0 without.
        count: number of mosaics.
        seed: of picks and places.

    Raises:
        ValueError: if there is no positive picture, or fewer than three negative ones, or labels do not fit pictures.
    """
    positives, negatives = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    if len(labels) != len(pixel_values) or len(positives) < 1 or len(negatives) < 3:
        raise ValueError(
            f"expected one positive picture and three negative ones or more, each with its label, got {len(positives)} "
            f"and {len(negatives)} among {len(pixel_values)} pictures"
        )
    rng = np.random.default_rng(seed)
    quadrants = rng.integers(0, 4, count)
    picks = np.resize(rng.permutation(positives), count)
    pictures = np.stack(
        [
            np.insert(rng.choice(negatives, 3, replace=False), quadrant, pick)
            for quadrant, pick in zip(quadrants, picks, strict=True)
        ]
    )
    return Mosaics(pixel_values, pictures, quadrants)


def share_in_quadrant(heatmaps: Floats, quadrants: Integers) -> Floats:
    """Return (N,) float64 in 0..1: the share of each map's positive evidence that lies in its quadrant.

    A map without positive evidence scores 0, as in the code of Böhle et al.: it has not pointed at the finding.

    Args:
        heatmaps: (N, h, w), signed or not; what is below 0 counts as 0.
        quadrants: (N,) 0 upper left, 1 upper right, 2 lower left, 3 lower right.

    Raises:
        ValueError: if an odd number of rows or columns leaves cells that lie in two quadrants.
    """
    images, height, width = heatmaps.shape
    if height % 2 or width % 2:
        raise ValueError(f"a map of {height} x {width} cells cannot be cut into quadrants")
    positive = np.maximum(heatmaps, 0, dtype=np.float64).reshape(images, 2, height // 2, 2, width // 2)
    evidence = positive.sum((2, 4)).reshape(images, 4)
    total = evidence.sum(1)
    return np.divide(evidence[np.arange(images), quadrants], total, out=np.zeros(images), where=total > 0)


def pointing_game(
    map_of: MapOf, pixel_values: Floats, labels: Integers, count: int = 250, seed: int = 2026, batch_size: int = 8
) -> PointingGame:
    """Return how well a map finds the positive picture in ``count`` mosaics.

    Args:
        map_of: such as ``our_map(net)``; is given mosaics of twice the pictures' size.
        pixel_values: (N, 3, H, W) float32, preprocessed.
        labels: (N,) 1 with the finding, 0 without.
        count: number of mosaics, two or more.
        seed: of picks, places and the bootstrap.
        batch_size: mosaics at a time.

    Raises:
        ValueError: see ``mosaics`` and ``share_in_quadrant``; or if there are fewer than two mosaics.
    """
    if count < 2:
        raise ValueError(f"an interval needs two mosaics or more, got {count}")
    shares, empty = [], 0
    for pixels, quadrants in mosaics(pixel_values, labels, count, seed).batches(batch_size):
        heatmaps = map_of(pixels)
        shares.append(share_in_quadrant(heatmaps, quadrants))
        empty += int((heatmaps <= 0).all((1, 2)).sum())
    estimate = estimate_mean(np.concatenate(shares), seed)
    return PointingGame(**vars(estimate), mosaics=count, empty=empty, grid=heatmaps.shape[1:])


def our_map(net: HeatmapClassifier) -> MapOf:
    """Return the function that gives the net's own signed map, (N, h, w) float32 in log-odds."""
    net.eval()
    device = next(net.parameters()).device

    @torch.no_grad()
    def map_of(pixel_values: Floats) -> Floats:
        return net(torch.from_numpy(pixel_values).to(device))[1].cpu().numpy()

    return map_of


def mean_map(maps: Sequence[MapOf]) -> MapOf:
    """Return the function that averages the signed maps of an ensemble's members, cell by cell.

    Raises:
        ValueError: when it is called, if the members' grids differ.
    """

    def map_of(pixel_values: Floats) -> Floats:
        heatmaps = [member(pixel_values) for member in maps]
        if len({heatmap.shape for heatmap in heatmaps}) > 1:
            raise ValueError(f"the members' maps differ in shape: {[heatmap.shape for heatmap in heatmaps]}")
        return np.mean(heatmaps, axis=0)

    return map_of


def gradcam_default_map(net: Any) -> MapOf:
    """Return the function that gives ``pytorch_grad_cam``'s Grad-CAM of class 1 for a timm net, all defaults kept.

    Maps are (N, H, W) float32, as large as the input, without their negative part and each scaled to 0..1. The target
    layer is the last convolutional stage, as the library's README recommends.
    """
    layer = last_stage(net)

    def map_of(pixel_values: Floats) -> Floats:
        with GradCAM(net, [layer]) as cam:
            heatmaps = cam(torch.from_numpy(pixel_values), [ClassifierOutputTarget(1)] * len(pixel_values))
        net.zero_grad()  # the library leaves the weights' gradients behind
        return heatmaps

    return map_of


def last_stage(net: Any) -> nn.Module:
    """Return the outermost module of a timm net that gives what ``forward_features`` gives; sets the net to eval."""
    net.eval()
    ran: list[tuple[nn.Module, Any]] = []

    def note(module: nn.Module, _: Any, output: Tensor) -> None:
        ran.append((module, output))

    hooks = [module.register_forward_hook(note) for module in net.modules()]
    device = next(net.parameters()).device
    with torch.no_grad():
        features = net.forward_features(torch.zeros(1, 3, 64, 64, device=device))
    for hook in hooks:
        hook.remove()
    return next(module for module, output in reversed(ran) if output is features)
