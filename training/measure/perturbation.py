"""Deletion and insertion curves: does the model's probability follow the cells that its heat map names?

RISE's causal metrics (Petsiuk et al. 2018), on the map's own cells: those with most evidence for the finding are
blurred away first (deletion) or brought back first into a blurred picture (insertion). A map that names what the model
looks at makes the probability fall early and rise early. The same is done with cells in random order: only the
difference from that speaks about the map, the rest about the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from training.measure.metrics import MeanEstimate, estimate_mean

BLUR = 0.1  # standard deviation of the blur, as a share of the picture's shorter side

Floats = npt.NDArray[np.floating]
ProbabilityOf = Callable[[list[Image.Image]], Floats]


@dataclass(frozen=True)
class Curve(MeanEstimate):
    """The area under one kind of curve, and the mean curve itself."""

    probabilities: list[float]  # of the finding, one for each of PerturbationResult.shares


@dataclass(frozen=True)
class PerturbationResult:
    """What ``perturbation_curves`` measures; intervals are over pictures."""

    shares: list[float]  # of the cells that are deleted or inserted: 0 to 1
    deletion: Curve  # lower is better
    insertion: Curve  # higher is better
    random_deletion: Curve
    random_insertion: Curve
    deletion_gain: MeanEstimate  # random less the map's order, paired by picture: above 0, the map beats chance
    insertion_gain: MeanEstimate  # the map's order less random
    pictures: int
    grid: tuple[int, int]  # cells: height, width


def perturbation_curves(
    pictures: Sequence[Image.Image],
    heatmaps: Sequence[Floats],
    probability_of: ProbabilityOf,
    steps: int = 10,
    seed: int = 2026,
) -> PerturbationResult:
    """Return deletion and insertion by the heat maps' order and by random order.

    A curve's score is its area by the trapezoid rule, so a probability that never changes scores itself. Cells of equal
    evidence are taken in random order.

    Args:
        pictures: N RGB pictures of any size, of the finding: where it is absent, no probability is there to lose.
        heatmaps: N maps (h, w), signed, all on one grid that covers the whole picture.
        probability_of: RGB pictures in, (M,) probabilities of the finding out; asked once per picture, with
            4 * (steps + 1) versions of it.
        steps: equal shares of the cells, rounded to whole cells.
        seed: of the random orders, of ties and of the bootstrap.

    Raises:
        ValueError: if there are fewer than two pictures, a map is missing or on another grid, or a step has no cell.
    """
    if len(pictures) != len(heatmaps) or len(pictures) < 2:
        raise ValueError(
            f"expected two pictures or more with one map each, got {len(pictures)} pictures, {len(heatmaps)} maps"
        )
    if len({heatmap.shape for heatmap in heatmaps}) > 1:
        raise ValueError("all heat maps must have the same number of rows and columns")
    height, width = heatmaps[0].shape
    if not 1 <= steps <= height * width:
        raise ValueError(f"a map of {height} x {width} cells cannot be taken in {steps} steps")
    counts = np.round(np.linspace(0, height * width, steps + 1)).astype(int)
    shares = counts / (height * width)
    rng = np.random.default_rng(seed)
    curves = np.stack(
        [
            _curves(picture, heatmap, probability_of, counts, rng)
            for picture, heatmap in zip(pictures, heatmaps, strict=True)
        ]
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
        pictures=len(pictures),
        grid=(height, width),
    )


def _curves(
    picture: Image.Image,
    heatmap: Floats,
    probability_of: ProbabilityOf,
    counts: npt.NDArray[np.integer],
    rng: np.random.Generator,
) -> Floats:
    """Return (4, steps + 1) probabilities: deletion and insertion by the map, then both by chance."""
    blurred = picture.filter(ImageFilter.GaussianBlur(BLUR * min(picture.size)))
    by_evidence = np.lexsort((rng.random(heatmap.size), -heatmap.ravel()))  # the last key sorts first
    versions = []
    for order in (by_evidence, rng.permutation(heatmap.size)):
        rank = np.argsort(order).reshape(heatmap.shape)  # (h, w): when each cell's turn comes
        masks = [
            Image.fromarray(np.uint8(255) * (rank < count)).resize(picture.size, Image.Resampling.NEAREST)
            for count in counts
        ]
        versions += [Image.composite(blurred, picture, mask) for mask in masks]
        versions += [Image.composite(picture, blurred, mask) for mask in masks]
    return np.asarray(probability_of(versions), np.float64).reshape(4, len(counts))
