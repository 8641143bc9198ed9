import numpy as np
import pytest

from overread.scan.grid import Axis, PatchGrid, sums_between


@pytest.mark.parametrize(
    ("size", "stride"), [(96, 32), (97, 32), (127, 32), (128, 32), (301, 32), (288, 96), (1000, 30)]
)
def test_patches_lie_inside_and_own_every_pixel_once(size: int, stride: int) -> None:
    axis = Axis(size, 96, stride)
    assert axis.starts.min() >= 0 and axis.starts.max() + 96 <= size
    assert axis.starts.max() + 96 + stride > size - axis.offset  # no further patch would fit
    assert axis.edges[0] == 0 and axis.edges[-1] == size and (np.diff(axis.edges) > 0).all()


def test_a_pixel_belongs_to_the_patch_with_the_nearest_centre() -> None:
    axis = Axis(301, 96, 32)
    pixels = np.arange(301) + 0.5
    nearest = np.abs(pixels[:, None] - (axis.starts + 48)).argmin(1)
    assert (axis.owner(pixels) == nearest).all()


def test_what_the_stride_leaves_over_is_divided_between_both_ends() -> None:
    assert Axis(110, 96, 32).starts.tolist() == [7]
    assert Axis(288, 96, 96).starts.tolist() == [0, 96, 192]


@pytest.mark.parametrize("side", [96, 200, 1024])
def test_tiles_hold_every_patch_once_within_their_side(side: int) -> None:
    grid = PatchGrid.over((701, 433), 96, 32)
    count = np.zeros(grid.shape, int)
    for tile in grid.tiles(side):
        count[tile.patches] += 1
        assert (tile.right - tile.left - 1) * 32 + 96 <= side and (tile.bottom - tile.top - 1) * 32 + 96 <= side
    assert (count == 1).all()


def test_sums_between_borders_count_cut_cells_in_part() -> None:
    values = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    starts, ends = np.array([0.0, 0.5, -3.0]), np.array([3.0, 2.25, 1.0])
    assert sums_between(values, starts, ends, 1).tolist() == [[7.0, 0.5 + 2 + 1, 1.0], [56.0, 4 + 16 + 8, 8.0]]
    assert sums_between(values, np.array([0.5]), np.array([2.0]), 0).tolist() == [[8.5, 17.0, 34.0]]
