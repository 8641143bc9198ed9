import numpy as np
import pytest
from PIL import Image

from ui.cover_and_ask import UnreadableCoverError, cells_from_hex, cover, quietest_cells


def test_cells_are_read_by_row_from_the_highest_bit() -> None:
    cells = cells_from_hex("a080", (3, 3))  # 1010 0000 1
    assert cells.tolist() == [[True, False, True], [False, False, False], [False, False, True]]


@pytest.mark.parametrize("text", ["", "zz", "a0", "a08000", "a0c0", "0000", "ff80"])
def test_other_grids_none_and_all_are_refused(text: str) -> None:
    with pytest.raises(UnreadableCoverError):
        cells_from_hex(text, (3, 3))


def test_a_covered_spot_gets_the_colour_around_it_and_the_rest_stays(picture: Image.Image) -> None:
    spotted = Image.new("RGB", (96, 96), (200, 100, 50))
    spotted.paste((0, 255, 0), (32, 32, 64, 64))
    covered = cover(spotted, np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], bool))
    np.testing.assert_allclose(np.asarray(covered), np.full((96, 96, 3), (200, 100, 50)), atol=6)
    half = cover(picture, np.array([[1, 0], [0, 0]], bool))
    np.testing.assert_array_equal(np.asarray(half)[48:], np.asarray(picture)[48:])
    np.testing.assert_array_equal(np.asarray(half)[:, 48:], np.asarray(picture)[:, 48:])


def test_the_control_has_as_many_cells_of_least_evidence() -> None:
    heatmap = np.array([[5.0, -0.1], [0.2, -4.0]], np.float32)
    covered = np.array([[True, False], [False, False]])
    assert quietest_cells(heatmap, covered).tolist() == [[False, True], [False, False]]
