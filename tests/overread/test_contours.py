import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from overread.contours import Polygon, outlines

measure = pytest.importorskip("skimage.measure", reason="the reference implementation is not installed")


def blobs(seed: int) -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(112, 90)), 9)
    return noise / noise.std()


def area(polygon: Polygon) -> float:
    x, y = polygon.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def by_skimage(values: np.ndarray, level: float) -> list[np.ndarray]:
    """Return outer contours as fractions, x and y, the largest first."""
    found = measure.find_contours(np.pad(values, 1, constant_values=level - 1), level, fully_connected="low")
    fractions = [(loop[:-1, ::-1] - 0.5) / np.array(values.shape[::-1]) for loop in found]
    return sorted((loop for loop in fractions if area(loop) > 0), key=area, reverse=True)


@pytest.mark.parametrize("seed", range(6))
def test_outlines_are_those_of_skimage(seed: int) -> None:
    values = blobs(seed)
    expected, found = by_skimage(values, 0.4), outlines(values, 0.4, 0.0, 0.0)
    assert len(found) == len(expected) > 1
    for ours, theirs in zip(found, expected, strict=True):
        inside = (theirs > 0).all() and (theirs < 1).all()  # ours is clipped to the picture
        assert area(ours) == pytest.approx(area(theirs), rel=1e-3 if inside else 0.05)


@pytest.mark.parametrize("seed", range(6))
def test_a_thinned_outline_covers_the_same_pixels(seed: int) -> None:
    values = blobs(seed)
    full, thinned = (outlines(values, 0.4, tolerance, 0.005) for tolerance in (0.0, 0.004))
    assert sum(map(len, thinned)) < 0.3 * sum(map(len, full))
    grown = [[polygon[:, ::-1] * 500 for polygon in group] for group in (full, thinned)]
    before, after = (sum(measure.grid_points_in_poly((500, 500), polygon) for polygon in group) for group in grown)
    assert (before != after).mean() < 0.01


def test_a_hole_and_a_speck_are_left_out() -> None:
    values = np.zeros((50, 50))
    values[10:40, 10:40] = 1
    values[20:30, 20:30] = 0
    values[2, 2] = 1
    (only,) = outlines(values, 0.5, 0.0, 0.005)
    assert area(only) == pytest.approx(0.6**2, abs=0.01)
    assert only.min() == pytest.approx(0.2, abs=0.011) and only.max() == pytest.approx(0.8, abs=0.011)


def test_nothing_above_the_level_has_no_outline_and_everything_has_that_of_the_picture() -> None:
    assert outlines(np.zeros((8, 8)), 0.5, 0.0, 0.0) == []
    (whole,) = outlines(np.ones((100, 100)), 0.5, 0.0, 0.0)
    assert area(whole) == pytest.approx(1, abs=0.02)
