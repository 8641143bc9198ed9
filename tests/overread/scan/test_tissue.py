import numpy as np
from PIL import Image

from overread.scan.tissue import otsu, tissue_mask


def test_coloured_pixels_are_tissue_and_white_grey_and_black_are_not() -> None:
    pixels = np.full((40, 50, 3), 245, np.uint8)
    pixels[5:15, 5:15] = (200, 130, 180)
    pixels[20:30, 5:15] = 120
    pixels[20:30, 25:35] = (4, 1, 1)
    expected = np.zeros((40, 50), bool)
    expected[5:15, 5:15] = True
    assert (tissue_mask(Image.fromarray(pixels)) == expected).all()


def test_a_field_without_background_is_tissue_everywhere() -> None:
    random = np.random.default_rng(0)
    pixels = random.normal((200, 120, 180), 10, (40, 50, 3)).clip(0, 255).astype(np.uint8)
    assert tissue_mask(Image.fromarray(pixels)).all()


def test_glass_with_a_slight_cast_is_background_beside_tissue() -> None:
    pixels = np.full((40, 50, 3), (240, 236, 220), np.uint8)  # saturation 0.083
    pixels[:, :20] = (180, 90, 160)
    assert (tissue_mask(Image.fromarray(pixels))[0] == (np.arange(50) < 20)).all()


def test_empty_glass_has_no_tissue() -> None:
    assert not tissue_mask(Image.new("RGB", (30, 30), (247, 245, 246))).any()


def test_otsu_separates_two_values() -> None:
    assert 0.1 < otsu(np.array([0.1] * 30 + [0.6] * 10, np.float32)) < 0.6
