import numpy as np
import pytest
import torch
from PIL import Image

from training.methods.augmentation import (
    EraseMarkers,
    RandomGamma,
    RandomJPEG,
    RandomRightAngle,
    RandomShading,
    RandomSharpness,
    RandomToneCurve,
    StainJitter,
    augmentation_for,
)
from training.recipes.augmentation_strengths import AUGMENTATIONS, AugmentationName

GRADIENT = Image.fromarray(np.linspace(30, 220, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_augmentation_keeps_size_and_mode_and_varies(name: AugmentationName) -> None:
    torch.manual_seed(0)
    augment = augmentation_for(name)
    made = [augment(GRADIENT) for _ in range(4)]
    assert all(image.size == GRADIENT.size and image.mode == "RGB" for image in made)
    assert len({image.tobytes() for image in made}) == 4


def test_stain_jitter_of_strength_zero_changes_nothing() -> None:
    np.testing.assert_array_equal(np.asarray(StainJitter(0, 0)(GRADIENT)), np.asarray(GRADIENT))


def test_stain_jitter_scales_optical_density() -> None:
    torch.manual_seed(1)
    jittered = np.asarray(StainJitter(0.2, 0)(GRADIENT), float)
    ratio = np.log((jittered + 1) / 256) / np.log((np.asarray(GRADIENT, float) + 1) / 256)  # (64, 64, 3)
    for channel in range(3):  # one factor per channel, up to rounding to 8 bits
        inner = ratio[16:48, :, channel]
        assert inner.std() < 0.02 and 0.8 <= inner.mean() <= 1.2


@pytest.mark.parametrize("name", ["chest-xray", "chest-xray-strong", "chest-xray-tone"])
def test_a_chest_is_never_turned_upside_down(name: AugmentationName) -> None:
    torch.manual_seed(2)
    augment = augmentation_for(name)
    for _ in range(20):
        rows = np.asarray(augment(GRADIENT), float)[16:48, 16:48].mean((1, 2))
        assert rows[0] < rows[-1]


def test_gamma_keeps_black_and_white_and_the_order_between() -> None:
    torch.manual_seed(5)
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).convert("RGB")
    changed = np.asarray(RandomGamma(1.7)(ramp)).reshape(256, 3).astype(int)
    assert changed[0].tolist() == [0, 0, 0] and changed[255].tolist() == [255, 255, 255]
    assert (np.diff(changed, axis=0) >= 0).all() and (changed[:, 0] != np.arange(256)).any()


def test_a_tone_curve_keeps_the_order_of_grey_values() -> None:
    torch.manual_seed(7)
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).convert("RGB")
    curves = [np.asarray(RandomToneCurve()(ramp)).reshape(256, 3).astype(int) for _ in range(30)]
    for curve in curves:
        assert (np.diff(curve, axis=0) >= 0).all() and (curve == curve[:, :1]).all()
        assert curve[0, 0] <= 77 and curve[-1, 0] >= 178  # black and white move by 0.3 of the scale at most
    assert np.std([curve[0, 0] for curve in curves]) > 10


def test_sharpness_goes_both_ways() -> None:
    torch.manual_seed(8)
    blocks = Image.fromarray(np.kron(np.indices((8, 8)).sum(0) % 2 * 100 + 80, np.ones((8, 8))).astype(np.uint8))
    edges = [np.abs(np.diff(np.asarray(RandomSharpness(0.03)(blocks), int), axis=1)).max() for _ in range(30)]
    assert min(edges) < 90 and max(edges) > 110  # the step between two blocks is 100


def test_shading_is_a_gain_that_leaves_the_middle_alone() -> None:
    torch.manual_seed(9)
    grey = Image.new("RGB", (65, 65), (100, 100, 100))
    shaded = np.asarray(RandomShading(0.25)(grey)).astype(int)
    assert shaded[32, 32].tolist() == [100, 100, 100]
    np.testing.assert_allclose(shaded + shaded[::-1, ::-1], 200, atol=1)
    assert 2 < np.abs(shaded - 100).max() <= 36


def test_erasing_markers_leaves_the_middle_alone() -> None:
    torch.manual_seed(6)
    erased = np.asarray(EraseMarkers(0.25, p=1.0)(GRADIENT))
    original = np.asarray(GRADIENT)
    np.testing.assert_array_equal(erased[16:48], original[16:48])
    for y, x in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert len(set(erased[y, x])) == 1  # grey


def test_all_four_right_angles_are_drawn() -> None:
    torch.manual_seed(3)
    assert len({RandomRightAngle()(GRADIENT).tobytes() for _ in range(40)}) == 4


def test_jpeg_quality_varies() -> None:
    torch.manual_seed(4)
    assert len({RandomJPEG((20, 95))(GRADIENT).tobytes() for _ in range(8)}) > 4
