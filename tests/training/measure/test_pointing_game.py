"""The grid pointing game on maps whose score is known by hand, and our map against pytorch_grad_cam on one net."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import timm
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from torch import nn

from training.measure.pointing_game import (
    MapOf,
    PointingGame,
    gradcam_default_map,
    last_stage,
    maps_of,
    mean_over_views,
    mosaics,
    our_map,
    pointing_game,
    share_in_quadrant,
    surest,
)
from training.methods.gradcam import HeatmapClassifier

LABELS = np.array([0, 1, 0, 0, 1, 0, 0])
# Picture i is i everywhere but in its upper left pixel, which is 100 + i: orientation and place can be told apart.
PIXELS = np.broadcast_to(np.arange(7, dtype=np.float32)[:, None, None, None], (7, 3, 4, 6)).copy()
PIXELS[:, :, 0, 0] += 100


def oracle(pixels: np.ndarray) -> np.ndarray:
    """Evidence 1 in every pixel of a picture with the finding."""
    return np.isin(pixels[:, 0] % 100, np.flatnonzero(LABELS)).astype(np.float32)


@pytest.fixture(scope="module")
def net() -> nn.Module:
    """A small net whose two classes weigh features oppositely: Grad-CAM of class 1 is then half that of the margin."""
    torch.manual_seed(0)
    made = timm.create_model("resnet10t", num_classes=2, output_stride=8)
    made.train()
    with torch.no_grad():
        for _ in range(3):
            made(torch.randn(8, 3, 64, 64))
        made.get_classifier().weight[0] = -made.get_classifier().weight[1]
    return made.eval()


def play(map_of: MapOf, pixels: np.ndarray = PIXELS, count: int = 10, batch_size: int = 8) -> PointingGame:
    made = mosaics(pixels, LABELS, count)
    return pointing_game(maps_of(made, map_of, batch_size), made.quadrants)


def noise(images: int, size: int) -> np.ndarray:
    return np.random.default_rng(images).standard_normal((images, 3, size, size), np.float32)


def test_a_mosaic_is_one_positive_and_three_different_negatives_with_the_positive_in_its_quadrant() -> None:
    made = mosaics(PIXELS, LABELS, count=20)
    batches = list(made.batches(8))
    assert [len(pixels) for pixels in batches] == [8, 8, 4]
    pixels, quadrants = np.concatenate(batches), made.quadrants
    assert pixels.shape == (20, 3, 8, 12) and pixels.dtype == np.float32
    assert set(quadrants) == {0, 1, 2, 3}
    for mosaic, quadrant in zip(pixels, quadrants, strict=True):
        tiles = [mosaic[:, :4, :6], mosaic[:, :4, 6:], mosaic[:, 4:, :6], mosaic[:, 4:, 6:]]
        names = [int(tile[0, 1, 1]) for tile in tiles]
        for name, tile in zip(names, tiles, strict=True):
            np.testing.assert_array_equal(tile, PIXELS[name])
        assert LABELS[names].tolist() == [int(place == quadrant) for place in range(4)]
        assert len(set(names)) == 4


def test_a_map_averaged_over_views_shows_what_each_view_showed_in_its_place() -> None:
    def upper_left(pixels: np.ndarray) -> np.ndarray:
        """Evidence in the first cell only, as much as the first pixel's value."""
        heatmaps = np.zeros((len(pixels), *pixels.shape[2:]), np.float32)
        heatmaps[:, 0, 0] = pixels[:, 0, 0, 0]
        return heatmaps

    found = mean_over_views(upper_left, ("as it is", "turned by 180°"))(PIXELS[:2])
    assert found.shape == (2, 4, 6)
    assert found[:, 0, 0].tolist() == [50, 50.5]
    assert found[:, -1, -1].tolist() == [0, 0.5]
    assert np.count_nonzero(found) == 3


def test_every_positive_picture_comes_before_one_comes_again() -> None:
    made = mosaics(PIXELS, LABELS, count=5)
    picked = made.pictures[np.arange(5), made.quadrants].tolist()
    assert sorted(picked[:2]) == [1, 4] and sorted(picked[2:4]) == [1, 4]


def test_the_seed_alone_decides_who_meets_whom() -> None:
    first, again, other_size, other_seed = (
        mosaics(pixels, LABELS, 50, seed).pictures
        for pixels, seed in ((PIXELS, 1), (PIXELS, 1), (PIXELS[:, :, :2], 1), (PIXELS, 2))
    )
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, other_size)
    assert (first != other_seed).any()


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0, 0]])
def test_too_few_pictures_or_a_missing_label_are_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="one positive picture and three negative"):
        mosaics(PIXELS[:4], np.array(labels), 2)


def test_shares_are_those_reckoned_by_hand() -> None:
    signed = np.zeros((5, 2, 4))
    signed[0] = 1.0  # uniform
    signed[1, 0, 2:] = 0.5  # all in the upper right
    signed[2] = [[1, 2, 3, 0], [-9, 4, -9, 10]]  # positive: 3, 3, 4, 10
    signed[3] = -1.0  # nothing for the finding
    signed[4] = signed[2]
    np.testing.assert_allclose(share_in_quadrant(signed, np.array([3, 1, 2, 0, 3])), [0.25, 1, 0.2, 0, 0.5])


@pytest.mark.parametrize("shape", [(1, 3, 4), (1, 4, 3)])
def test_cells_astride_two_quadrants_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be cut into quadrants"):
        share_in_quadrant(np.ones(shape), np.array([0]))


def test_a_perfect_map_scores_one_a_uniform_one_a_quarter_and_an_empty_one_nothing() -> None:
    perfect = play(oracle, count=10, batch_size=3)
    assert asdict(perfect) == {"mean": 1, "low": 1, "high": 1, "mosaics": 10, "empty": 0, "grid": (8, 12)}
    assert play(lambda pixels: np.ones((len(pixels), 2, 2)), count=10).mean == 0.25
    empty = play(lambda pixels: -np.ones((len(pixels), 2, 2)), count=10, batch_size=3)
    assert (empty.mean, empty.empty) == (0, 10)
    assert json.loads(json.dumps(asdict(empty)))["grid"] == [2, 2]


def test_a_map_that_points_to_one_corner_only_scores_how_often_the_finding_is_there() -> None:
    corner = np.array([[0.0, 0.0], [0.0, 1.0]])
    answer = play(lambda pixels: np.tile(corner, (len(pixels), 1, 1)), count=200)
    frequency = (mosaics(PIXELS, LABELS, 200).quadrants == 3).mean()
    assert answer.mean == pytest.approx(frequency)
    normal = 1.96 * np.sqrt(frequency * (1 - frequency) / 200)  # the binomial interval's half width
    assert (answer.high - answer.low) / 2 == pytest.approx(normal, rel=0.1)


def test_one_mosaic_is_too_few_for_an_interval() -> None:
    with pytest.raises(ValueError, match="two mosaics"):
        play(oracle, count=1)


def test_our_map_and_grad_cam_play_the_same_game_twice_with_the_same_result(net: nn.Module) -> None:
    pixels = noise(7, 32)
    for map_of, grid in ((our_map(HeatmapClassifier(net)), (8, 8)), (gradcam_default_map(net), (64, 64))):
        first = play(map_of, pixels, count=6, batch_size=4)
        assert first == play(map_of, pixels, count=6, batch_size=4)
        assert first.mean == pytest.approx(play(map_of, pixels, count=6, batch_size=1).mean, rel=1e-3)
        assert first.grid == grid and 0 < first.low <= first.mean <= first.high < 1


def test_our_positive_part_scaled_as_pytorch_grad_cam_scales_is_its_default_map(net: nn.Module) -> None:
    pixels = noise(3, 64)
    ours = np.maximum(our_map(HeatmapClassifier(net))(pixels), 0)
    default = gradcam_default_map(net)(pixels)
    assert ours.shape == (3, 8, 8) and default.shape == (3, 64, 64)
    assert ours.max() > 0
    scaled = scale_cam_image(scale_cam_image(ours, (64, 64)))
    np.testing.assert_allclose(scaled, default, atol=1e-3)
    assert np.corrcoef(scaled.ravel(), default.ravel())[0, 1] > 0.9999
    assert np.abs(scaled[::-1] - default).max() > 0.1  # another picture's map is another map
    assert all(weight.grad is None for weight in net.parameters())


@pytest.mark.parametrize(
    ("architecture", "stage"), [("resnet18", "layer4"), ("tf_efficientnet_lite0", "bn2"), ("xception41", "act")]
)
def test_a_doubled_input_doubles_the_grid_of_every_recipe_architecture(architecture: str, stage: str) -> None:
    net = timm.create_model(architecture, num_classes=2, output_stride=16)
    assert last_stage(net) is net.get_submodule(stage)
    map_of = our_map(HeatmapClassifier(net))
    assert map_of(noise(1, 64)).shape == (1, 4, 4)
    assert map_of(noise(1, 128)).shape == (1, 8, 8)
    assert gradcam_default_map(net)(noise(1, 64)).shape == (1, 64, 64)


def test_the_surest_are_right_and_of_both_classes() -> None:
    log_odds = np.array([-3.0, 0.5, 2.0, -0.1, -1.0, -2.0, 4.0])  # rows 2 and 6 are false alarms, row 4 is missed
    labels = np.array([0, 1, 0, 0, 1, 0, 0])
    assert surest(log_odds, labels, positives=2, negatives=2).tolist() == [0, 1, 5]
