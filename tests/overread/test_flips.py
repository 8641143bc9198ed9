"""A net that reads one corner only, so that its output depends on how the image is flipped."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from overread.flips import AS_IT_IS, FLIPPED_AXES
from overread.net import Net
from overread.preprocessing import Preprocessing
from overread.session import Float32, Outputs

SIZE = 4
PLAIN = Preprocessing(SIZE, SIZE, "bicubic", (0.0,) * 3, (1.0,) * 3)
LEVELS = np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE)
PICTURE = Image.fromarray(LEVELS).convert("RGB")


class UpperLeftCorner:
    """In place of a session: the only evidence is the level of the first pixel."""

    def run(self, pixel_values: Float32) -> Outputs:
        heatmap = np.zeros((len(pixel_values), SIZE, SIZE), np.float32)
        heatmap[:, 0, 0] = 255 * pixel_values[:, 0, 0, 0]
        return Outputs(np.stack([0 * heatmap[:, 0, 0], heatmap[:, 0, 0]], 1), heatmap, heatmap[:, 0])


@pytest.fixture
def net() -> Net:
    session: Any = UpperLeftCorner()
    return Net(session, PLAIN)


@pytest.mark.parametrize(
    ("view", "row", "column"),
    [(AS_IT_IS, 0, 0), ("flipped left to right", 0, -1), ("flipped top to bottom", -1, 0), ("turned by 180°", -1, -1)],
)
def test_maps_are_flipped_back_to_the_image(net: Net, view: str, row: int, column: int) -> None:
    found = net.evidence([PICTURE], (view,))
    level = float(LEVELS[row, column])
    assert found.log_odds[0] == pytest.approx(level, abs=1e-4)
    assert found.heatmap[0, row, column] == pytest.approx(level, abs=1e-4)
    assert found.heatmap.sum() == pytest.approx(level, abs=1e-4)


def test_several_views_are_averaged_and_still_add_up(net: Net) -> None:
    found = net.evidence([PICTURE, PICTURE], tuple(FLIPPED_AXES))
    corners = LEVELS[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(found.log_odds, [corners.mean()] * 2, atol=1e-4)
    np.testing.assert_allclose(found.heatmap[1][[0, 0, -1, -1], [0, -1, 0, -1]], corners / 4, atol=1e-4)
    np.testing.assert_allclose(found.heatmap.sum((1, 2)), found.log_odds, atol=1e-4)


def test_the_default_is_the_unflipped_view(net: Net) -> None:
    assert net.evidence([PICTURE]).log_odds[0] == pytest.approx(0, abs=1e-4)
