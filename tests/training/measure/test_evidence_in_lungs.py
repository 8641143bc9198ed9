import json

import numpy as np
import pytest

from training.measure.evidence_in_lungs import evidence_in_lungs, lung_shares, positive_share

LEFT_HALF = np.zeros((8, 8), bool)
LEFT_HALF[:, :4] = True
UPPER_QUARTER = np.zeros((8, 8), bool)
UPPER_QUARTER[:2] = True


def test_the_share_of_a_cell_is_its_area_in_the_mask() -> None:
    mask = np.zeros((8, 8), bool)
    mask[:, :3] = True
    np.testing.assert_allclose(lung_shares(mask, (2, 4)), [[1, 0.5, 0, 0]] * 2)


def test_negative_evidence_does_not_count_and_a_map_without_positive_evidence_has_no_share() -> None:
    heatmaps = np.array([[[3.0, 1.0], [-9.0, 0.0]], [[-1.0, -1.0], [-1.0, -1.0]]])
    inside = np.array([[[1.0, 0.5], [1.0, 1.0]]] * 2)
    share, none = positive_share(heatmaps, inside)
    assert share == pytest.approx(3.5 / 4) and np.isnan(none)


def test_figures_are_those_of_the_films_of_a_class_that_have_a_mask() -> None:
    heatmaps = np.zeros((6, 4, 4))
    heatmaps[0, 0, 0], heatmaps[1, 0, 3], heatmaps[2, 1, 1] = 2.0, 2.0, 1.0  # in the left half, out of it, in it
    heatmaps[3, 0, 0], heatmaps[4, 3, 3], heatmaps[5] = 5.0, 5.0, -1.0
    masks = {0: LEFT_HALF, 1: LEFT_HALF, 3: UPPER_QUARTER, 4: UPPER_QUARTER, 5: UPPER_QUARTER}  # the third has none
    found = evidence_in_lungs(heatmaps, masks, np.array([1, 1, 1, 0, 0, 0]))
    json.dumps(found, allow_nan=False)
    assert (found["films"], found["of"]) == (5, 6)
    ill, well = found["with the finding"], found["without the finding"]
    assert (ill["films"], ill["evidence"]["value"], ill["peak"]["value"], ill["area"]["value"]) == (2, 0.5, 0.5, 0.5)
    assert (well["films"], well["without_positive_evidence"]) == (3, 1)
    assert (well["evidence"]["value"], well["area"]["value"]) == (0.5, 0.25)


def test_evidence_without_a_place_has_the_areas_share_inside() -> None:
    found = evidence_in_lungs(np.ones((4, 4, 4)), dict.fromkeys(range(4), UPPER_QUARTER), np.array([1, 1, 0, 0]))
    for figures in (found["with the finding"], found["without the finding"]):
        assert figures["evidence"]["value"] == pytest.approx(figures["area"]["value"]) == 0.25
