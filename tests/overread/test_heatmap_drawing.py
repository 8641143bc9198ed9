import numpy as np
import pytest
from PIL import Image

from overread.heatmap_drawing import (
    AGAINST_FINDING,
    FOR_FINDING,
    MAX_OPACITY,
    display_size,
    draw_overlay,
    outline_centre,
)

GREY = Image.new("RGB", (448, 448), (100, 100, 100))


def test_an_empty_map_leaves_the_image_unchanged() -> None:
    overlay = draw_overlay(GREY, np.zeros((12, 12), np.float32), scale=0.5)
    np.testing.assert_array_equal(np.asarray(overlay), np.asarray(GREY))


@pytest.mark.parametrize(("value", "colour"), [(1.0, FOR_FINDING), (-1.0, AGAINST_FINDING)])
def test_colour_shows_the_sign_and_opacity_the_amount(value: float, colour: tuple[int, int, int]) -> None:
    for share in (0.25, 1.0):
        overlay = draw_overlay(GREY, np.full((4, 4), value * share, np.float32), scale=1.0)
        expected = 100 + MAX_OPACITY * share * (np.array(colour) - 100)
        np.testing.assert_allclose(np.asarray(overlay)[200, 200], expected, atol=1)


def drawn_by_pillow(picture: Image.Image, heatmap: np.ndarray, scale: float, resample: Image.Resampling) -> np.ndarray:
    """Return (H, W, 3): two colours pasted through masks, which is slow and plain."""
    signed = np.clip(np.asarray(Image.fromarray(heatmap).resize(picture.size, resample)) / scale, -1, 1)
    expected = picture.convert("RGB")
    for colour, share in ((FOR_FINDING, signed), (AGAINST_FINDING, -signed)):
        opacity = np.round(255 * MAX_OPACITY * np.maximum(share, 0)).astype(np.uint8)
        expected.paste(colour, mask=Image.fromarray(opacity))
    return np.asarray(expected).astype(int)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(("smooth", "resample"), [(True, Image.Resampling.BICUBIC), (False, Image.Resampling.NEAREST)])
@pytest.mark.parametrize("cells", [(14, 14), (3, 40)])
def test_it_is_what_pillow_draws_with_masks(
    mode: str, smooth: bool, resample: Image.Resampling, cells: tuple[int, int]
) -> None:
    random = np.random.default_rng(0)
    heatmap = random.normal(0, 1, cells).astype(np.float32)  # much of it beyond the scale of one
    noise = random.integers(0, 256, (90, 130, 3), np.uint8)
    picture = Image.fromarray(noise).convert(mode)
    overlay = np.asarray(draw_overlay(picture, heatmap, 1.0, smooth)).astype(int)
    difference = np.abs(overlay - drawn_by_pillow(picture, heatmap, 1.0, resample))
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


def test_more_than_full_scale_is_full_colour() -> None:
    cells = np.full((2, 2), 9.0, np.float32)
    full = draw_overlay(GREY, cells / 9, 1.0, smooth=False)
    np.testing.assert_array_equal(np.asarray(draw_overlay(GREY, cells, 1.0, smooth=False)), np.asarray(full))


@pytest.mark.parametrize(
    ("size", "shown"),
    [((96, 96), (448, 448)), ((2000, 1000), (1024, 512)), ((600, 500), (600, 500)), ((50, 100), (224, 448))],
)
def test_display_size_keeps_the_aspect_ratio_within_448_to_1024_px(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    assert display_size(size) == shown


def test_only_the_outline_of_the_centre_changes() -> None:
    outlined = np.asarray(outline_centre(GREY, 100 / 448)).astype(int)
    changed = np.argwhere((outlined != 100).any(axis=2))
    assert changed.min(axis=0).tolist() == [173, 173] and changed.max(axis=0).tolist() == [275, 275]
    assert (outlined[180:268, 180:268] == 100).all()
