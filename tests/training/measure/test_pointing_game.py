"""The grid pointing game on heat maps with a known score, and on those of a net."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from torch import nn

from tests.training.measure.noise_images import noise
from training.measure.pointing_game import (
    PointingGame,
    evidence_in_quadrant,
    heatmaps_of,
    image_grids,
    most_confident_correct,
    pointing_game,
)
from training.measure.torch_heatmaps import HeatmapOf, own_heatmap, pytorch_grad_cam_heatmap
from training.methods.heatmap_in_graph import HeatmapClassifier

LABELS = np.array([0, 1, 0, 0, 1, 0, 0])
# Image i is i everywhere but in its upper left pixel, which is 100 + i: flips and shifts are noticed.
PIXELS = np.broadcast_to(np.arange(7, dtype=np.float32)[:, None, None, None], (7, 3, 4, 6)).copy()
PIXELS[:, :, 0, 0] += 100


def oracle(pixels: np.ndarray) -> np.ndarray:
    """Evidence 1 in every pixel of an image with the finding."""
    return np.isin(pixels[:, 0] % 100, np.flatnonzero(LABELS)).astype(np.float32)


def play(heatmap_of: HeatmapOf, pixels: np.ndarray = PIXELS, count: int = 10, batch_size: int = 8) -> PointingGame:
    grids = image_grids(pixels, LABELS, count)
    return pointing_game(heatmaps_of(grids, heatmap_of, batch_size), grids.quadrants)


def test_a_grid_is_one_positive_image_in_its_quadrant_and_three_different_negatives() -> None:
    grids = image_grids(PIXELS, LABELS, count=20)
    batches = list(grids.batches(8))
    assert [len(pixels) for pixels in batches] == [8, 8, 4]
    pixels, quadrants = np.concatenate(batches), grids.quadrants
    assert pixels.shape == (20, 3, 8, 12) and pixels.dtype == np.float32
    assert set(quadrants) == {0, 1, 2, 3}
    for grid, quadrant in zip(pixels, quadrants, strict=True):
        tiles = [grid[:, :4, :6], grid[:, :4, 6:], grid[:, 4:, :6], grid[:, 4:, 6:]]
        names = [int(tile[0, 1, 1]) for tile in tiles]
        for name, tile in zip(names, tiles, strict=True):
            np.testing.assert_array_equal(tile, PIXELS[name])
        assert LABELS[names].tolist() == [int(place == quadrant) for place in range(4)]
        assert len(set(names)) == 4


def test_all_positive_images_are_used_before_one_is_repeated() -> None:
    grids = image_grids(PIXELS, LABELS, count=5)
    picked = grids.images[np.arange(5), grids.quadrants].tolist()
    assert sorted(picked[:2]) == [1, 4] and sorted(picked[2:4]) == [1, 4]


def test_grids_depend_on_the_seed_and_not_on_the_pixels() -> None:
    first, again, other_size, other_seed = (
        image_grids(pixels, LABELS, 50, seed).images
        for pixels, seed in ((PIXELS, 1), (PIXELS, 1), (PIXELS[:, :, :2], 1), (PIXELS, 2))
    )
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, other_size)
    assert (first != other_seed).any()


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0, 0]])
def test_too_few_images_or_a_missing_label_are_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="one positive and three negative images"):
        image_grids(PIXELS[:4], np.array(labels), 2)


def test_fractions_equal_manual_computation() -> None:
    signed = np.zeros((5, 2, 4))
    signed[0] = 1.0  # uniform
    signed[1, 0, 2:] = 0.5  # all in the upper right
    signed[2] = [[1, 2, 3, 0], [-9, 4, -9, 10]]  # positive: 3, 3, 4, 10
    signed[3] = -1.0  # nothing for the finding
    signed[4] = signed[2]
    np.testing.assert_allclose(evidence_in_quadrant(signed, np.array([3, 1, 2, 0, 3])), [0.25, 1, 0.2, 0, 0.5])


@pytest.mark.parametrize("shape", [(1, 3, 4), (1, 4, 3)])
def test_an_odd_number_of_cells_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be cut into quadrants"):
        evidence_in_quadrant(np.ones(shape), np.array([0]))


def test_a_perfect_map_scores_one_a_uniform_map_a_quarter_and_an_empty_map_zero() -> None:
    perfect = play(oracle, count=10, batch_size=3)
    assert asdict(perfect) == {"mean": 1, "low": 1, "high": 1, "mosaics": 10, "empty": 0, "grid": (8, 12)}
    assert play(lambda pixels: np.ones((len(pixels), 2, 2)), count=10).mean == 0.25
    empty = play(lambda pixels: -np.ones((len(pixels), 2, 2)), count=10, batch_size=3)
    assert (empty.mean, empty.empty) == (0, 10)
    assert json.loads(json.dumps(asdict(empty)))["grid"] == [2, 2]


def test_a_map_that_marks_one_quadrant_scores_the_frequency_of_the_finding_there() -> None:
    corner = np.array([[0.0, 0.0], [0.0, 1.0]])
    answer = play(lambda pixels: np.tile(corner, (len(pixels), 1, 1)), count=200)
    frequency = (image_grids(PIXELS, LABELS, 200).quadrants == 3).mean()
    assert answer.mean == pytest.approx(frequency)
    normal = 1.96 * np.sqrt(frequency * (1 - frequency) / 200)  # the binomial interval's half width
    assert (answer.high - answer.low) / 2 == pytest.approx(normal, rel=0.1)


def test_one_grid_is_too_few_for_an_interval() -> None:
    with pytest.raises(ValueError, match="two grids"):
        play(oracle, count=1)


def test_the_most_confident_images_are_correct_and_of_both_classes() -> None:
    log_odds = np.array([-3.0, 0.5, 2.0, -0.1, -1.0, -2.0, 4.0])  # errors: rows 2, 4 and 6
    labels = np.array([0, 1, 0, 0, 1, 0, 0])
    assert most_confident_correct(log_odds, labels, positives=2, negatives=2).tolist() == [0, 1, 5]


def test_the_game_is_reproducible_for_both_heat_maps(small_net: nn.Module) -> None:
    pixels = noise(7, 32)
    for heatmap_of, grid in (
        (own_heatmap(HeatmapClassifier(small_net)), (8, 8)),
        (pytorch_grad_cam_heatmap(small_net), (64, 64)),
    ):
        first = play(heatmap_of, pixels, count=6, batch_size=4)
        assert first == play(heatmap_of, pixels, count=6, batch_size=4)
        assert first.mean == pytest.approx(play(heatmap_of, pixels, count=6, batch_size=1).mean, rel=1e-3)
        assert first.grid == grid and 0 < first.low <= first.mean <= first.high < 1
