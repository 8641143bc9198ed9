"""The grid pointing game: measures how well a heat map localises the finding, without anyone's annotation.

Four images, one of them with the finding, make a 2 x 2 grid. The score is the fraction of positive evidence in the
finding's quadrant, 0.25 by chance (Böhle et al. 2021, Convolutional Dynamic Alignment Networks; Rao et al. 2022,
Towards Better Understanding Attribution Methods). Both papers take the most confident correct images, see
``most_confident_correct``; on randomly drawn images the score also reflects classification errors. A cell at the seam
covers both sides.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from training.measure.intervals import MeanEstimate, estimate_mean
from training.measure.torch_heatmaps import HeatmapOf
from training.methods.mosaic_training import stitch

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]


@dataclass(frozen=True)
class ImageGrids:
    """Which images make which 2 x 2 grid."""

    pixel_values: Floats  # (N, 3, H, W) single images
    images: Integers  # (count, 4) rows of pixel_values: upper left, upper right, lower left, lower right
    quadrants: Integers  # (count,) 0 to 3 in that order: where the image with the finding is

    def batches(self, size: int) -> Iterator[Floats]:
        """Yield pixel values (B, 3, 2H, 2W), with B = ``size`` in all but the last batch."""
        for start in range(0, len(self.quadrants), size):
            tiles = self.pixel_values[self.images[start : start + size].ravel()]  # (4B, 3, H, W)
            yield stitch(torch.from_numpy(tiles)).numpy()


@dataclass(frozen=True)
class PointingGame(MeanEstimate):
    """The mean fraction of positive evidence in the finding's quadrant, with its 95 % interval over grids."""

    mosaics: int  # number of grids
    empty: int  # grids whose heat map has no positive evidence; each scores 0
    grid: tuple[int, int]  # cells of a heat map: height, width


def image_grids(pixel_values: Floats, labels: Integers, count: int, seed: int = 2026) -> ImageGrids:
    """Return ``count`` grids of one image with the finding and three different ones without.

    The grids depend on the labels, the count and the seed only, so that all models get the same ones whatever their
    preprocessing. All positive images are used before one is used again.

    Args:
        pixel_values: (N, 3, H, W) float32, preprocessed.
        labels: (N,) 1 with the finding, 0 without.
        count: number of grids.
        seed: of images and quadrants.

    Raises:
        ValueError: if there is no positive image, fewer than three negative ones, or not one label per image.
    """
    positives, negatives = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    if len(labels) != len(pixel_values) or len(positives) < 1 or len(negatives) < 3:
        raise ValueError(
            f"expected at least one positive and three negative images, each with its label, got {len(positives)} and "
            f"{len(negatives)} labels for {len(pixel_values)} images"
        )
    rng = np.random.default_rng(seed)
    quadrants = rng.integers(0, 4, count)
    chosen = np.resize(rng.permutation(positives), count)
    images = np.stack(
        [
            np.insert(rng.choice(negatives, 3, replace=False), quadrant, positive)
            for quadrant, positive in zip(quadrants, chosen, strict=True)
        ]
    )
    return ImageGrids(pixel_values, images, quadrants)


def most_confident_correct(log_odds: Floats, labels: Integers, positives: int, negatives: int) -> Integers:
    """Return the rows of the correctly classified images with the largest |log-odds|.

    Args:
        log_odds: (N,) of the model.
        labels: (N,) 1 with the finding, 0 without.
        positives: largest number with the finding.
        negatives: largest number without.
    """
    correct = [np.flatnonzero((labels == label) & ((log_odds > 0) == label)) for label in (1, 0)]
    chosen = [
        rows[np.argsort(-np.abs(log_odds[rows]), kind="stable")][:count]
        for rows, count in zip(correct, (positives, negatives), strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def heatmaps_of(grids: ImageGrids, heatmap_of: HeatmapOf, batch_size: int = 8) -> Floats:
    """Return (count, h, w) heat maps of all grids.

    Args:
        grids: of images.
        heatmap_of: such as ``own_heatmap(net)``; is called with pixels of twice the images' size.
        batch_size: grids at a time.
    """
    return np.concatenate([heatmap_of(pixels) for pixels in grids.batches(batch_size)])


def pointing_game(heatmaps: Floats, quadrants: Integers, seed: int = 2026) -> PointingGame:
    """Return the score of heat maps.

    Args:
        heatmaps: (count, h, w), two or more, such as ``heatmaps_of`` returns.
        quadrants: (count,) where the finding is, see ``ImageGrids``.
        seed: of the bootstrap.

    Raises:
        ValueError: if there are fewer than two maps, or a cell lies in two quadrants.
    """
    if len(heatmaps) < 2:
        raise ValueError(f"an interval needs at least two grids, got {len(heatmaps)}")
    estimate = estimate_mean(evidence_in_quadrant(heatmaps, quadrants), seed)
    empty = int((heatmaps <= 0).all((1, 2)).sum())
    return PointingGame(**vars(estimate), mosaics=len(heatmaps), empty=empty, grid=heatmaps.shape[1:])


def evidence_in_quadrant(heatmaps: Floats, quadrants: Integers) -> Floats:
    """Return (N,) float64 in 0..1: the fraction of each map's positive evidence that lies in its quadrant.

    A map without positive evidence scores 0, as in the code of Böhle et al.

    Args:
        heatmaps: (N, h, w); negative values count as 0.
        quadrants: (N,) 0 upper left, 1 upper right, 2 lower left, 3 lower right.

    Raises:
        ValueError: if the number of rows or columns is odd, so that cells lie in two quadrants.
    """
    count, height, width = heatmaps.shape
    if height % 2 or width % 2:
        raise ValueError(f"a map of {height} x {width} cells cannot be cut into quadrants")
    positive = np.maximum(heatmaps, 0, dtype=np.float64).reshape(count, 2, height // 2, 2, width // 2)
    evidence = positive.sum((2, 4)).reshape(count, 4)
    total = evidence.sum(1)
    return np.divide(evidence[np.arange(count), quadrants], total, out=np.zeros(count), where=total > 0)
