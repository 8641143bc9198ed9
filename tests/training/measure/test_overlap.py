import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score

from training.measure.overlap import dice, intersection_over_union, overlap


def test_dice_and_iou_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    found, drawn = random.random((5, 20, 30)) < 0.4, random.random((5, 20, 30)) < 0.5
    for row in range(5):
        pair = drawn[row].ravel(), found[row].ravel()
        assert dice(found, drawn)[row] == pytest.approx(f1_score(*pair))
        assert intersection_over_union(found, drawn)[row] == pytest.approx(jaccard_score(*pair))


def test_two_empty_masks_agree_and_one_does_not() -> None:
    empty, full = np.zeros((1, 4, 4), bool), np.ones((1, 4, 4), bool)
    assert dice(empty, empty) == intersection_over_union(empty, empty) == 1
    assert dice(empty, full) == intersection_over_union(full, empty) == 0


def test_the_summary_has_means_intervals_and_the_share_of_good_films() -> None:
    drawn = np.zeros((3, 10, 10), bool)
    drawn[:, :5] = True
    found = drawn.copy()
    found[2, :5] = False
    found[2, 5:] = True
    result = overlap(found, drawn)
    assert result["films"] == 3 and result["lowest_dice"] == 0
    assert result["dice"]["value"] == pytest.approx(2 / 3) and result["dice"]["low"] < 2 / 3 < result["dice"]["high"]
    assert result["dice_above_0.9"]["value"] == pytest.approx(2 / 3)
