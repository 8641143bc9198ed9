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
    signed_opacity,
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


def test_twice_the_evidence_has_twice_the_opacity() -> None:
    weak = signed_opacity(np.full((2, 2), 0.1, np.float32), 1.0, (8, 8), smooth=True)
    strong = signed_opacity(np.full((2, 2), 0.2, np.float32), 1.0, (8, 8), smooth=True)
    np.testing.assert_allclose(strong, 2 * weak, rtol=1e-5)


def test_more_than_full_scale_is_full_colour() -> None:
    assert signed_opacity(np.full((2, 2), 9.0, np.float32), 1.0, (8, 8), smooth=False).max() == 1.0


def test_without_smoothing_the_cells_are_drawn_as_squares() -> None:
    grid = np.arange(4, dtype=np.float32).reshape(2, 2) / 4
    drawn = signed_opacity(grid, 1.0, (100, 60), smooth=False)  # (60, 100)
    np.testing.assert_array_equal(drawn, np.kron(grid, np.ones((30, 50), np.float32)))


@pytest.mark.parametrize(
    ("size", "shown"),
    [((96, 96), (448, 448)), ((2000, 1000), (1024, 512)), ((600, 500), (600, 500)), ((50, 100), (224, 448))],
)
def test_display_size_keeps_the_aspect_ratio_within_448_to_1024_px(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    assert display_size(size) == shown


def test_only_the_outline_of_the_centre_changes() -> None:
    outlined = np.asarray(outline_centre(GREY, 100)).astype(int)
    changed = np.argwhere((outlined != 100).any(axis=2))
    assert changed.min(axis=0).tolist() == [173, 173] and changed.max(axis=0).tolist() == [275, 275]
    assert (outlined[180:268, 180:268] == 100).all()
