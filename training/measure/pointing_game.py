"""The grid pointing game: does a heat map put its evidence where the finding is, without anybody having drawn it?

One picture with the finding and three without make a 2 x 2 mosaic; the score is the share of the map's positive
evidence in the finding's quadrant, 0.25 by chance (Böhle et al. 2021, Convolutional Dynamic Alignment Networks; Rao et
al. 2022, Towards Better Understanding Attribution Methods). Both papers play it with pictures that the model is right
and surest about, so that an error of the map is not confused with one of the model: ``surest`` finds them. Played with
pictures drawn from all, a model that errs pays for it. A cell near the seam sees both sides.
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

from overread.views import flip
from training.measure.metrics import MeanEstimate, estimate_mean
from training.methods.gradcam import HeatmapClassifier
from training.methods.mosaic_training import stitch

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]
MapOf = Callable[[Floats], Floats]  # pixel values (N, 3, H, W) float32 -> heat maps (N, h, w)


@dataclass(frozen=True)
class Mosaics:
    """Which pictures make which mosaic; pixels are copied batch by batch only."""

    pixel_values: Floats  # (N, 3, H, W): the single pictures
    pictures: Integers  # (count, 4): rows of pixel_values, upper left, upper right, lower left, lower right
    quadrants: Integers  # (count,): 0 to 3 in that order, where the picture with the finding is

    def batches(self, size: int) -> Iterator[Floats]:
        """Yield pixel values (B, 3, 2H, 2W), with B = ``size`` in all but the last batch."""
        for start in range(0, len(self.quadrants), size):
            tiles = self.pixel_values[self.pictures[start : start + size].ravel()]  # (4B, 3, H, W)
            yield stitch(torch.from_numpy(tiles)).numpy()


@dataclass(frozen=True)
class PointingGame(MeanEstimate):
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


def surest(log_odds: Floats, labels: Integers, positives: int, negatives: int) -> Integers:
    """Return the rows of the pictures that the model is right and surest about, at most so many of each class.

    Args:
        log_odds: (N,) the model's.
        labels: (N,) 1 with the finding, 0 without.
        positives: how many with the finding.
        negatives: how many without.
    """
    right = [np.flatnonzero((labels == label) & ((log_odds > 0) == label)) for label in (1, 0)]
    orders = (-log_odds, log_odds)
    picked = [
        rows[np.argsort(order[rows], kind="stable")][:count]
        for rows, order, count in zip(right, orders, (positives, negatives), strict=True)
    ]
    return np.sort(np.concatenate(picked))


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


def maps_of(made: Mosaics, map_of: MapOf, batch_size: int = 8) -> Floats:
    """Return (count, h, w) what a map shows of every mosaic.

    Args:
        made: the mosaics.
        map_of: such as ``our_map(net)``; is given mosaics of twice the pictures' size.
        batch_size: mosaics at a time.
    """
    return np.concatenate([map_of(pixels) for pixels in made.batches(batch_size)])


def pointing_game(heatmaps: Floats, quadrants: Integers, seed: int = 2026) -> PointingGame:
    """Return how well maps of mosaics find the picture with the finding.

    Args:
        heatmaps: (count, h, w), two or more, such as ``maps_of`` returns.
        quadrants: (count,) where the finding is, see ``Mosaics``.
        seed: of the bootstrap.

    Raises:
        ValueError: see ``share_in_quadrant``; or if there are fewer than two mosaics.
    """
    if len(heatmaps) < 2:
        raise ValueError(f"an interval needs two mosaics or more, got {len(heatmaps)}")
    estimate = estimate_mean(share_in_quadrant(heatmaps, quadrants), seed)
    empty = int((heatmaps <= 0).all((1, 2)).sum())
    return PointingGame(**vars(estimate), mosaics=len(heatmaps), empty=empty, grid=heatmaps.shape[1:])


def our_map(net: HeatmapClassifier) -> MapOf:
    """Return the function that gives the net's own signed map, (N, h, w) float32 in log-odds."""
    net.eval()
    device = next(net.parameters()).device

    @torch.no_grad()
    def map_of(pixel_values: Floats) -> Floats:
        return net(torch.from_numpy(pixel_values).to(device))[1].cpu().numpy()

    return map_of


def mean_over_views(map_of: MapOf, views: Sequence[str]) -> MapOf:
    """Return the function that gives the mean of a map over views of the picture, each turned back."""

    def mean_of(pixel_values: Floats) -> Floats:
        return np.mean([flip(map_of(flip(pixel_values, view)), view) for view in views], axis=0)

    return mean_of


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
