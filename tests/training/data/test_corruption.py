import numpy as np
import pytest
from PIL import Image

from training.data.corruption import KINDS, corrupt

PICTURE = Image.fromarray(
    np.random.default_rng(0).integers(40, 200, (12, 12, 3), np.uint8)  # blocks, so that blur and JPEG have work to do
).resize((96, 96), Image.Resampling.NEAREST)


@pytest.mark.parametrize("row", range(len(KINDS)), ids=KINDS)
def test_each_kind_changes_the_picture_but_not_its_size(row: int) -> None:
    damaged = corrupt(PICTURE, row)
    assert damaged.size == PICTURE.size and damaged.mode == "RGB"
    assert np.abs(np.asarray(damaged, int) - np.asarray(PICTURE, int)).mean() > 1


def test_the_row_and_the_seed_fix_the_damage() -> None:
    assert corrupt(PICTURE, 7).tobytes() == corrupt(PICTURE, 7).tobytes()
    assert corrupt(PICTURE, 7).tobytes() != corrupt(PICTURE, 7 + len(KINDS)).tobytes()
    assert corrupt(PICTURE, 7).tobytes() != corrupt(PICTURE, 7, seed=1).tobytes()


def test_painted_corners_leave_the_middle_alone() -> None:
    painted = np.asarray(corrupt(PICTURE, KINDS.index("corners")))
    np.testing.assert_array_equal(painted[30:66, 30:66], np.asarray(PICTURE)[30:66, 30:66])
