"""Deletion and insertion on pictures whose evidence is known: white pixels, and a model that counts them."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from training.measure.metrics import estimate_mean
from training.measure.perturbation import perturbation_curves

CELL = 10  # pixels
COUNTS = np.array([[6, 1, 3], [2, 5, 4]])  # white pixels in each cell: 21
SIGNED = COUNTS - 3.5  # evidence in that order, half of it negative


def picture_of(counts: np.ndarray) -> Image.Image:
    """A black picture with that many single white pixels in each cell; blurred, none of them stays white."""
    rows, columns = counts.shape
    pixels = np.zeros((rows * CELL, columns * CELL, 3), np.uint8)
    for (row, column), count in np.ndenumerate(counts):
        for number in range(count):
            pixels[row * CELL + 1 + 2 * (number // 4), column * CELL + 1 + 2 * (number % 4)] = 255
    return Image.fromarray(pixels)


def share_of_white(pictures: list[Image.Image]) -> np.ndarray:
    """Probability of the finding: the share of the first, whole picture's white pixels that are left."""
    white = np.array([(np.asarray(picture) == 255).all(2).sum() for picture in pictures])
    return white / white[0]


def shuffled(number: int) -> tuple[list[Image.Image], list[np.ndarray]]:
    """Pictures with the cells in an order of their own each, and the maps that know it."""
    rng = np.random.default_rng(5)
    counts = [rng.permutation(COUNTS.ravel()).reshape(COUNTS.shape) for _ in range(number)]
    return [picture_of(each) for each in counts], [each.astype(np.float32) for each in counts]


def reckoned(left: Sequence[float], shares: Sequence[float]) -> float:
    """The trapezoid rule, by hand."""
    return sum((left[i] + left[i + 1]) / 2 * (shares[i + 1] - shares[i]) for i in range(len(left) - 1))


def test_curves_and_areas_are_those_reckoned_by_hand() -> None:
    pictures = [picture_of(COUNTS)] * 2
    result = perturbation_curves(pictures, [SIGNED] * 2, share_of_white, steps=3)
    assert result.shares == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert result.deletion.probabilities == pytest.approx([1, 10 / 21, 3 / 21, 0])  # 6 + 5, then 4 + 3, then 2 + 1
    assert result.insertion.probabilities == pytest.approx([0, 11 / 21, 18 / 21, 1])
    assert result.deletion.mean == pytest.approx(23.5 / 63)
    assert result.insertion.mean == pytest.approx(39.5 / 63)
    assert (result.pictures, result.grid) == (2, (2, 3))


def test_the_worst_order_mirrors_the_best() -> None:
    result = perturbation_curves([picture_of(COUNTS)] * 2, [-SIGNED] * 2, share_of_white, steps=3)
    assert result.deletion.mean == pytest.approx(39.5 / 63)
    assert result.insertion.mean == pytest.approx(23.5 / 63)


def test_steps_that_do_not_divide_the_cells_are_weighed_by_the_cells_they_took() -> None:
    result = perturbation_curves([picture_of(COUNTS)] * 2, [SIGNED] * 2, share_of_white, steps=4)
    shares = [0, 2 / 6, 3 / 6, 4 / 6, 1]  # 1.5 and 4.5 cells are rounded to even
    assert result.shares == pytest.approx(shares)
    assert result.deletion.mean == pytest.approx(reckoned([1, 10 / 21, 6 / 21, 3 / 21, 0], shares))


def test_the_true_order_beats_the_random_one_which_scores_a_half() -> None:
    result = perturbation_curves(*shuffled(60), share_of_white, steps=6)
    best = reckoned([21, 15, 10, 6, 3, 1, 0], [step / 6 for step in range(7)]) / 21
    assert result.deletion.mean == pytest.approx(best) and result.insertion.mean == pytest.approx(1 - best)
    for chance in (result.random_deletion, result.random_insertion):
        assert chance.low < 0.5 < chance.high and chance.high - chance.low < 0.1
    assert result.deletion_gain.mean == pytest.approx(result.random_deletion.mean - result.deletion.mean)
    assert result.insertion_gain.mean == pytest.approx(result.insertion.mean - result.random_insertion.mean)
    assert result.deletion_gain.low > 0 and result.insertion_gain.low > 0


def test_a_map_that_says_nothing_is_no_better_than_chance() -> None:
    counts = np.array([[6, 0, 0], [0, 0, 0]])  # in reading order the first cell would be all
    result = perturbation_curves([picture_of(counts)] * 60, [np.zeros((2, 3))] * 60, share_of_white, steps=6)
    assert result.deletion_gain.low < 0 < result.deletion_gain.high
    assert result.insertion_gain.low < 0 < result.insertion_gain.high
    assert result.deletion.low < 0.5 < result.deletion.high


def test_the_seed_decides_the_random_orders() -> None:
    pictures, heatmaps = shuffled(5)
    first, again, other = (perturbation_curves(pictures, heatmaps, share_of_white, 3, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.random_deletion.probabilities != other.random_deletion.probabilities
    assert first.deletion.probabilities == other.deletion.probabilities


def test_whole_and_blurred_pictures_stand_at_the_ends() -> None:
    asked: list[list[Image.Image]] = []

    def remember(pictures: list[Image.Image]) -> np.ndarray:
        asked.append(pictures)
        return np.full(len(pictures), 0.7)

    picture = picture_of(COUNTS)
    result = perturbation_curves([picture] * 2, [SIGNED] * 2, remember, steps=3)
    assert [len(pictures) for pictures in asked] == [16, 16]  # two orders, deletion and insertion, steps and the start
    deletion, insertion = asked[0][:4], asked[0][4:8]
    assert deletion[0] == insertion[-1] == picture
    assert deletion[-1] == insertion[0]
    blurred = np.asarray(deletion[-1], float)
    # At its densest one pixel in four is white, so no blurred one is brighter than 255 / 4.
    assert blurred.max() < 64 and blurred.mean() == pytest.approx(np.asarray(picture).mean(), abs=1.5)
    assert result.deletion.mean == pytest.approx(0.7)  # a probability that never changes scores itself


def test_the_result_is_ready_for_json() -> None:
    result = asdict(perturbation_curves(*shuffled(3), share_of_white, steps=2))
    read = json.loads(json.dumps(result))
    assert read["deletion"].keys() == {"mean", "low", "high", "probabilities"}
    assert read["insertion_gain"] == result["insertion_gain"]


def test_the_interval_is_that_of_the_central_limit_theorem() -> None:
    values = np.random.default_rng(0).normal(3, 2, 400)
    estimate = estimate_mean(values)
    error = values.std() / 20
    assert estimate.mean == pytest.approx(values.mean())
    assert estimate.low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
    assert estimate.high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)


@pytest.mark.parametrize(
    ("maps", "steps", "message"),
    [
        ([SIGNED], 3, "one map each, got 2 pictures, 1 maps"),
        ([SIGNED, SIGNED.T], 3, "same number of rows"),
        ([SIGNED] * 2, 7, "2 x 3 cells cannot be taken in 7 steps"),
        ([SIGNED] * 2, 0, "in 0 steps"),
    ],
)
def test_what_cannot_be_measured_is_refused(maps: list[np.ndarray], steps: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        perturbation_curves([picture_of(COUNTS)] * 2, maps, share_of_white, steps)
