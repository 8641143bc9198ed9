"""Deletion and insertion with a model that counts white pixels, so that the right order is known."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from training.measure.perturbation import perturbation_curves

CELL = 10  # pixels
COUNTS = np.array([[6, 1, 3], [2, 5, 4]])  # white pixels in each cell: 21
SIGNED = COUNTS - 3.5  # evidence in that order, half of it negative


def image_of(counts: np.ndarray) -> Image.Image:
    """A black image with that many isolated white pixels in each cell; the blur leaves none of them white."""
    rows, columns = counts.shape
    pixels = np.zeros((rows * CELL, columns * CELL, 3), np.uint8)
    for (row, column), count in np.ndenumerate(counts):
        for number in range(count):
            pixels[row * CELL + 1 + 2 * (number // 4), column * CELL + 1 + 2 * (number % 4)] = 255
    return Image.fromarray(pixels)


def fraction_of_white(images: list[Image.Image]) -> np.ndarray:
    """Probability of the finding: the fraction of the white pixels of the first image, the original, that is left."""
    white = np.array([(np.asarray(image) == 255).all(2).sum() for image in images])
    return white / white[0]


def shuffled(number: int) -> tuple[list[Image.Image], list[np.ndarray]]:
    """Images with shuffled cells, and their true maps."""
    rng = np.random.default_rng(5)
    counts = [rng.permutation(COUNTS.ravel()).reshape(COUNTS.shape) for _ in range(number)]
    return [image_of(each) for each in counts], [each.astype(np.float32) for each in counts]


def trapezoid(left: Sequence[float], shares: Sequence[float]) -> float:
    """The trapezoid rule."""
    return sum((left[i] + left[i + 1]) / 2 * (shares[i + 1] - shares[i]) for i in range(len(left) - 1))


def test_curves_and_areas_equal_manual_computation() -> None:
    images = [image_of(COUNTS)] * 2
    result = perturbation_curves(images, [SIGNED] * 2, fraction_of_white, steps=3)
    assert result.shares == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert result.deletion.probabilities == pytest.approx([1, 10 / 21, 3 / 21, 0])  # 6 + 5, then 4 + 3, then 2 + 1
    assert result.insertion.probabilities == pytest.approx([0, 11 / 21, 18 / 21, 1])
    assert result.deletion.mean == pytest.approx(23.5 / 63)
    assert result.insertion.mean == pytest.approx(39.5 / 63)
    assert (result.pictures, result.grid) == (2, (2, 3))


def test_a_negated_map_mirrors_the_curves() -> None:
    result = perturbation_curves([image_of(COUNTS)] * 2, [-SIGNED] * 2, fraction_of_white, steps=3)
    assert result.deletion.mean == pytest.approx(39.5 / 63)
    assert result.insertion.mean == pytest.approx(23.5 / 63)


def test_steps_of_unequal_size_are_weighted_by_their_cells() -> None:
    result = perturbation_curves([image_of(COUNTS)] * 2, [SIGNED] * 2, fraction_of_white, steps=4)
    shares = [0, 2 / 6, 3 / 6, 4 / 6, 1]  # 1.5 and 4.5 cells are rounded to even
    assert result.shares == pytest.approx(shares)
    assert result.deletion.mean == pytest.approx(trapezoid([1, 10 / 21, 6 / 21, 3 / 21, 0], shares))


def test_the_true_order_beats_random_order() -> None:
    result = perturbation_curves(*shuffled(60), fraction_of_white, steps=6)
    best = trapezoid([21, 15, 10, 6, 3, 1, 0], [step / 6 for step in range(7)]) / 21
    assert result.deletion.mean == pytest.approx(best) and result.insertion.mean == pytest.approx(1 - best)
    for chance in (result.random_deletion, result.random_insertion):
        assert chance.low < 0.5 < chance.high and chance.high - chance.low < 0.1
    assert result.deletion_gain.mean == pytest.approx(result.random_deletion.mean - result.deletion.mean)
    assert result.insertion_gain.mean == pytest.approx(result.insertion.mean - result.random_insertion.mean)
    assert result.deletion_gain.low > 0 and result.insertion_gain.low > 0


def test_an_empty_map_is_no_better_than_random_order() -> None:
    counts = np.array([[6, 0, 0], [0, 0, 0]])  # in reading order the first cell would have everything
    result = perturbation_curves([image_of(counts)] * 60, [np.zeros((2, 3))] * 60, fraction_of_white, steps=6)
    assert result.deletion_gain.low < 0 < result.deletion_gain.high
    assert result.insertion_gain.low < 0 < result.insertion_gain.high
    assert result.deletion.low < 0.5 < result.deletion.high


def test_the_seed_determines_the_random_orders() -> None:
    images, heatmaps = shuffled(5)
    first, again, other = (perturbation_curves(images, heatmaps, fraction_of_white, 3, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.random_deletion.probabilities != other.random_deletion.probabilities
    assert first.deletion.probabilities == other.deletion.probabilities


def test_curves_start_and_end_with_the_original_and_the_blurred_image() -> None:
    calls: list[list[Image.Image]] = []

    def remember(images: list[Image.Image]) -> np.ndarray:
        calls.append(images)
        return np.full(len(images), 0.7)

    original = image_of(COUNTS)
    result = perturbation_curves([original] * 2, [SIGNED] * 2, remember, steps=3)
    assert [len(images) for images in calls] == [16, 16]  # two orders, deletion and insertion, steps and the start
    deletion, insertion = calls[0][:4], calls[0][4:8]
    assert deletion[0] == insertion[-1] == original
    assert deletion[-1] == insertion[0]
    blurred = np.asarray(deletion[-1], float)
    # At its densest one pixel in four is white, so no blurred one is brighter than 255 / 4.
    assert blurred.max() < 64 and blurred.mean() == pytest.approx(np.asarray(original).mean(), abs=1.5)
    assert result.deletion.mean == pytest.approx(0.7)  # the area under a constant probability is the probability


def test_the_result_is_ready_for_json() -> None:
    result = asdict(perturbation_curves(*shuffled(3), fraction_of_white, steps=2))
    read = json.loads(json.dumps(result))
    assert read["deletion"].keys() == {"mean", "low", "high", "probabilities"}
    assert read["insertion_gain"] == result["insertion_gain"]


@pytest.mark.parametrize(
    ("maps", "steps", "message"),
    [
        ([SIGNED], 3, "one map each, got 2 images and 1 maps"),
        ([SIGNED, SIGNED.T], 3, "same number of rows"),
        ([SIGNED] * 2, 7, "2 x 3 cells cannot be divided into 7 steps"),
        ([SIGNED] * 2, 0, "into 0 steps"),
    ],
)
def test_invalid_input_is_refused(maps: list[np.ndarray], steps: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        perturbation_curves([image_of(COUNTS)] * 2, maps, fraction_of_white, steps)
