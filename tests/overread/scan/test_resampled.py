from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from overread.scan.resampled import Resampled
from overread.scan.slide import WholeImage

Field = Callable[[int, int], Image.Image]


class Pyramid(WholeImage):
    """An image with levels of half and a quarter of its size, each in its own colour."""

    downsamples = (1.0, 2.0, 4.0)
    colours = ("red", "green", "blue")

    def level_size(self, level: int) -> tuple[int, int]:
        return self.size[0] >> level, self.size[1] >> level

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Image.Image:
        return Image.new("RGB", (width, height), self.colours[level])


@pytest.mark.parametrize("factor", [1.948, 0.75, 3.3])
def test_rectangles_are_those_of_the_image_resized_once(field: Field, factor: float) -> None:
    image = field(403, 307)
    view = Resampled(WholeImage(image), (factor, factor))
    width, height = view.size
    assert (width, height) == (int(403 / factor), int(307 / factor))
    box = (0, 0, width * factor, height * factor)
    whole = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=box), int)
    for x, y in ((0, 0), (13, 7), (width - 40, height - 30)):
        part = np.asarray(view.read(x, y, 40, 30), int)
        assert np.abs(part - whole[y : y + 30, x : x + 40]).max() <= 1  # Pillow keeps a box in single precision


def test_a_scale_within_a_hundredth_is_not_resampled(field: Field) -> None:
    image = field(200, 150)
    view = Resampled(WholeImage(image), (1.004, 1.004))
    assert view.size == (200, 150) and view.factor == (1.0, 1.0)
    assert (np.asarray(view.read(0, 0, 200, 150)) == np.asarray(image)).all()


@pytest.mark.parametrize(
    ("factor", "colour"), [(1.0, "red"), (1.9, "red"), (2.0, "green"), (3.9, "green"), (9.0, "blue")]
)
def test_the_coarsest_level_that_is_fine_enough_is_read(field: Field, factor: float, colour: str) -> None:
    view = Resampled(Pyramid(field(400, 400)), (factor, factor))
    assert view.read(0, 0, 8, 8) == Image.new("RGB", (8, 8), colour)


def test_across_and_down_may_have_different_scales(field: Field) -> None:
    assert Resampled(WholeImage(field(400, 400)), (2.0, 4.0)).size == (200, 100)
