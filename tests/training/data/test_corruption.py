import numpy as np
import pytest
from PIL import Image

from training.data.corruption import KINDS, corrupt

IMAGE = Image.fromarray(
    np.random.default_rng(0).integers(40, 200, (12, 12, 3), np.uint8)  # blocks, so that blur and JPEG have work to do
).resize((96, 96), Image.Resampling.NEAREST)


@pytest.mark.parametrize("row", range(len(KINDS)), ids=KINDS)
def test_every_corruption_changes_the_image_and_keeps_its_size(row: int) -> None:
    corrupted = corrupt(IMAGE, row)
    assert corrupted.size == IMAGE.size and corrupted.mode == "RGB"
    assert np.abs(np.asarray(corrupted, int) - np.asarray(IMAGE, int)).mean() > 1


def test_row_number_and_seed_determine_the_corruption() -> None:
    assert corrupt(IMAGE, 7).tobytes() == corrupt(IMAGE, 7).tobytes()
    assert corrupt(IMAGE, 7).tobytes() != corrupt(IMAGE, 7 + len(KINDS)).tobytes()
    assert corrupt(IMAGE, 7).tobytes() != corrupt(IMAGE, 7, seed=1).tobytes()


def test_painted_corners_keep_the_centre() -> None:
    painted = np.asarray(corrupt(IMAGE, KINDS.index("corners")))
    np.testing.assert_array_equal(painted[30:66, 30:66], np.asarray(IMAGE)[30:66, 30:66])
