import numpy as np
import pytest
import torch
from PIL import Image

from training.augmentations import (
    EraseMarkers,
    RandomGamma,
    RandomJPEG,
    RandomRightAngle,
    StainJitter,
    augmentation_for,
)
from training.recipes import AugmentationKind

GRADIENT = Image.fromarray(np.linspace(30, 220, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8))


@pytest.mark.parametrize("kind", ["histopathology", "histopathology-strong", "chest-xray", "chest-xray-strong"])
def test_size_and_mode_stay_and_pictures_differ(kind: AugmentationKind) -> None:
    torch.manual_seed(0)
    augment = augmentation_for(kind)
    made = [augment(GRADIENT) for _ in range(4)]
    assert all(picture.size == GRADIENT.size and picture.mode == "RGB" for picture in made)
    assert len({picture.tobytes() for picture in made}) == 4


def test_stain_jitter_of_nothing_changes_nothing() -> None:
    np.testing.assert_array_equal(np.asarray(StainJitter(0, 0)(GRADIENT)), np.asarray(GRADIENT))


def test_stain_jitter_scales_optical_density() -> None:
    torch.manual_seed(1)
    jittered = np.asarray(StainJitter(0.2, 0)(GRADIENT), float)
    ratio = np.log((jittered + 1) / 256) / np.log((np.asarray(GRADIENT, float) + 1) / 256)  # (64, 64, 3)
    for channel in range(3):  # one factor a channel, up to rounding to 8 bits
        inner = ratio[16:48, :, channel]
        assert inner.std() < 0.02 and 0.8 <= inner.mean() <= 1.2


@pytest.mark.parametrize("kind", ["chest-xray", "chest-xray-strong"])
def test_a_chest_is_never_turned_upside_down(kind: AugmentationKind) -> None:
    torch.manual_seed(2)
    augment = augmentation_for(kind)
    for _ in range(20):
        rows = np.asarray(augment(GRADIENT), float)[16:48, 16:48].mean((1, 2))
        assert rows[0] < rows[-1]


def test_gamma_keeps_black_and_white_and_the_order_between() -> None:
    torch.manual_seed(5)
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).convert("RGB")
    changed = np.asarray(RandomGamma(1.7)(ramp)).reshape(256, 3).astype(int)
    assert changed[0].tolist() == [0, 0, 0] and changed[255].tolist() == [255, 255, 255]
    assert (np.diff(changed, axis=0) >= 0).all() and (changed[:, 0] != np.arange(256)).any()


def test_erasing_markers_leaves_the_middle_alone() -> None:
    torch.manual_seed(6)
    erased = np.asarray(EraseMarkers(0.25, p=1.0)(GRADIENT))
    original = np.asarray(GRADIENT)
    np.testing.assert_array_equal(erased[16:48], original[16:48])
    for y, x in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert len(set(erased[y, x])) == 1  # grey


def test_right_angles_reach_all_four() -> None:
    torch.manual_seed(3)
    assert len({RandomRightAngle()(GRADIENT).tobytes() for _ in range(40)}) == 4


def test_jpeg_quality_varies() -> None:
    torch.manual_seed(4)
    assert len({RandomJPEG((20, 95))(GRADIENT).tobytes() for _ in range(8)}) > 4
