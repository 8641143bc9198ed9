"""Deletion and insertion curves (RISE, Petsiuk et al. 2018): is the model sensitive to what its heat map marks?

The heat map's cells are blurred (deletion), or restored in a blurred image (insertion), by falling evidence for the
finding. If the map is right, the probability falls early, or rises early. The same is done in random order: only the
difference from it describes the map, the rest describes the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from training.measure.intervals import MeanEstimate, estimate_mean

BLUR = 0.1  # standard deviation, as a fraction of the image's shorter side

Floats = npt.NDArray[np.floating]
ProbabilityOf = Callable[[list[Image.Image]], Floats]


@dataclass(frozen=True)
class Curve(MeanEstimate):
    """The area under a curve, and the curve, averaged over images."""

    probabilities: list[float]  # of the finding, at each of PerturbationResult.shares


@dataclass(frozen=True)
class PerturbationResult:
    """The result of ``perturbation_curves``; intervals are over images."""

    shares: list[float]  # fraction of the cells that are deleted or inserted, 0 to 1
    deletion: Curve  # lower is better
    insertion: Curve  # higher is better
    random_deletion: Curve
    random_insertion: Curve
    deletion_gain: MeanEstimate  # random order minus the map's, paired by image: above 0 the map beats chance
    insertion_gain: MeanEstimate  # the map's order minus random order
    pictures: int  # number of images
    grid: tuple[int, int]  # cells: height, width


def perturbation_curves(
    images: Sequence[Image.Image],
    heatmaps: Sequence[Floats],
    probability_of: ProbabilityOf,
    steps: int = 10,
    seed: int = 2026,
) -> PerturbationResult:
    """Return deletion and insertion in the heat maps' order and in random order.

    A curve's score is the area under it by the trapezoid rule. Cells with equal evidence are in random order.

    Args:
        images: N RGB images with the finding, of any size.
        heatmaps: N signed maps (h, w) of one grid, which covers the whole image.
        probability_of: takes RGB images and returns (M,) probabilities of the finding; called once per image, with
            4 * (steps + 1) versions of it.
        steps: of equal size, rounded to whole cells.
        seed: of the random orders, of ties and of the bootstrap.

    Raises:
        ValueError: if there are fewer than two images, a map is missing or on another grid, or a step has no cell.
    """
    if len(images) != len(heatmaps) or len(images) < 2:
        raise ValueError(
            f"expected at least two images with one map each, got {len(images)} images and {len(heatmaps)} maps"
        )
    if len({heatmap.shape for heatmap in heatmaps}) > 1:
        raise ValueError("all heat maps must have the same number of rows and columns")
    height, width = heatmaps[0].shape
    if not 1 <= steps <= height * width:
        raise ValueError(f"{height} x {width} cells cannot be divided into {steps} steps")
    counts = np.round(np.linspace(0, height * width, steps + 1)).astype(int)
    shares = counts / (height * width)
    rng = np.random.default_rng(seed)
    curves = np.stack(
        [_curves(image, heatmap, probability_of, counts, rng) for image, heatmap in zip(images, heatmaps, strict=True)]
    )  # (N, 4, steps + 1)
    areas = np.trapezoid(curves, shares, axis=2)  # (N, 4)
    deletion, insertion, random_deletion, random_insertion = (
        Curve(**vars(estimate_mean(area, seed)), probabilities=curve.tolist())
        for area, curve in zip(areas.T, curves.mean(0), strict=True)
    )
    return PerturbationResult(
        shares=shares.tolist(),
        deletion=deletion,
        insertion=insertion,
        random_deletion=random_deletion,
        random_insertion=random_insertion,
        deletion_gain=estimate_mean(areas[:, 2] - areas[:, 0], seed),
        insertion_gain=estimate_mean(areas[:, 1] - areas[:, 3], seed),
        pictures=len(images),
        grid=(height, width),
    )


def _curves(
    image: Image.Image,
    heatmap: Floats,
    probability_of: ProbabilityOf,
    counts: npt.NDArray[np.integer],
    rng: np.random.Generator,
) -> Floats:
    """Return (4, steps + 1) probabilities: deletion and insertion in the map's order, then in random order."""
    blurred = image.filter(ImageFilter.GaussianBlur(BLUR * min(image.size)))
    by_evidence = np.lexsort((rng.random(heatmap.size), -heatmap.ravel()))  # the last key sorts first
    versions = []
    for order in (by_evidence, rng.permutation(heatmap.size)):
        rank = np.argsort(order).reshape(heatmap.shape)  # (h, w) position in that order
        masks = [
            Image.fromarray(np.uint8(255) * (rank < count)).resize(image.size, Image.Resampling.NEAREST)
            for count in counts
        ]
        versions += [Image.composite(blurred, image, mask) for mask in masks]
        versions += [Image.composite(image, blurred, mask) for mask in masks]
    return np.asarray(probability_of(versions), np.float64).reshape(4, len(counts))
