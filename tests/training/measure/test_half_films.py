import numpy as np
import pytest
from datasets import Dataset
from PIL import Image

from training.measure.half_films import compose, half_film_images, half_films, score

LABELS = np.array([0, 1, 0, 1, 0, 1, 1])


def film(level: int) -> Image.Image:
    """One grey on the left, a lighter one on the right."""
    values = np.full((10, 14, 3), level, np.uint8)
    values[:, 7:] += 100
    return Image.fromarray(values)


def test_every_pair_is_one_film_with_and_one_without_the_finding() -> None:
    pairs = half_films(LABELS, 20)
    for left, right, on_right in zip(pairs.left, pairs.right, pairs.finding_on_right, strict=True):
        assert (LABELS[right], LABELS[left]) == (on_right, not on_right)
    assert pairs.finding_on_right.sum() == 10
    with_finding = np.where(pairs.finding_on_right, pairs.right, pairs.left)
    assert sorted(with_finding[:4]) == [1, 3, 5, 6]  # all are used before one is used again


def test_pairs_depend_on_the_seed_only() -> None:
    first, again, other = (half_films(LABELS, 30, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.left, again.left)
    assert (first.left != other.left).any()


def test_a_half_film_is_the_left_of_one_and_the_right_of_the_other_also_of_another_size() -> None:
    for right in (film(40), film(40).resize((28, 20), Image.Resampling.NEAREST)):
        joined = np.asarray(compose(film(10), right))
        assert joined.shape == (10, 14, 3)
        assert (joined[:, :7] == 10).all() and (joined[:, -3:] == 140).all()


def test_composed_films_follow_the_pairs() -> None:
    dataset = Dataset.from_dict({"image": [film(10 * row) for row in range(7)], "labels": LABELS.tolist()})
    pairs = half_films(LABELS, 5)
    composed = half_film_images(dataset, pairs)
    for row, image in enumerate(composed["image"]):
        pixels = np.asarray(image)[0, :, 0]
        assert (pixels[0], pixels[-1]) == (10 * pairs.left[row], 10 * pairs.right[row] + 100)


@pytest.mark.parametrize("width", [4, 5])
def test_the_score_is_the_share_in_the_half_with_the_finding(width: int) -> None:
    maps = np.zeros((4, 2, width))
    maps[0, 0, -1] = 2.0  # on the right, where the finding is
    maps[1, 0, -1] = 2.0  # on the right, the finding is on the left
    maps[2] = 1.0  # everywhere
    maps[3] = -1.0  # nothing for the finding
    found = score(maps, np.array([True, False, True, True]))
    assert found.mean == pytest.approx((1 + 0 + 0.5 + 0) / 4)
    assert (found.films, found.empty) == (4, 1)
