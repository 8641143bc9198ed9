import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.measure.one_sided import asymmetry, draw_sheet, evidence_in_brighter_lung, left_lung, most_one_sided

LUNGS = np.zeros((64, 64), bool)
LUNGS[10:50, 8:26] = LUNGS[10:50, 38:56] = True


def film(left: int, right: int) -> Image.Image:
    """Two lungs of these greys on black."""
    values = np.zeros((64, 64), np.uint8)
    values[10:50, 8:26], values[10:50, 38:56] = left, right
    return Image.fromarray(values).convert("RGB")


def test_the_lungs_are_parted_in_the_middle_of_their_box() -> None:
    shifted = np.roll(LUNGS, -6, axis=1)
    for mask in (LUNGS, shifted):
        left = left_lung(mask)
        assert left.sum() == mask.sum() / 2 and not (left & ~mask).any()
    assert not left_lung(np.zeros((64, 64), bool)).any()


def test_asymmetry_is_the_difference_of_the_mean_greys() -> None:
    assert asymmetry(film(151, 100), LUNGS) == pytest.approx(51 / 255)
    assert np.isnan(asymmetry(film(1, 2), np.zeros((64, 64), bool)))


def test_the_most_one_sided_films_have_the_finding_and_differ_from_the_normal_ones() -> None:
    # In the films without the finding the right side is brighter by 20, as the heart makes it.
    greys = [(100, 118), (100, 122), (100, 120), (180, 100), (100, 119), (100, 190), (100, 40), (101, 120)]
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    films = [film(*pair) for pair in greys]
    masks = dict.fromkeys(set(range(8)) - {6}, LUNGS)  # the seventh has no mask
    found = most_one_sided(films, masks, labels, list("abcdefgh"), count=2)
    assert found.rows.tolist() == [3, 5] and found.bright_on_left.tolist() == [True, False]
    of_one_patient = most_one_sided(films, masks, labels, list("abcxexgh"), count=2)
    assert of_one_patient.rows.tolist() == [3, 4]


def test_only_evidence_within_the_lungs_counts() -> None:
    maps = np.zeros((3, 64, 64))
    maps[0, 20, 10], maps[0, 20, 40], maps[0, 0, 0] = 3.0, 1.0, 50.0
    maps[1, 20, 10], maps[1, 20, 40] = 1.0, 1.0
    maps[2] = -1.0
    found = evidence_in_brighter_lung(maps, [LUNGS] * 3, np.array([True, True, False]))
    json.dumps(found, allow_nan=False)
    assert found["share"]["value"] == pytest.approx((0.75 + 0.5) / 2)
    assert (found["films"], found["with_evidence_in_lungs"], found["in_brighter"]) == (3, 2, 1)
    assert found["chance"] == pytest.approx(0.5)


def test_the_sheet_has_every_film_beside_its_evidence(tmp_path: Path) -> None:
    maps = np.zeros((5, 14, 14), np.float32)
    maps[:, 4, 3] = 1.0
    file = draw_sheet([film(100, 150)] * 5, maps, [LUNGS] * 5, list("abcde"), 0.5, tmp_path / "sheets" / "net.png")
    sheet = Image.open(file)
    assert sheet.size == (4 * 2 * 224, 2 * (224 + 14))
    plain, overlay = (np.asarray(sheet.crop((left, 14, left + 224, 238)), int) for left in (0, 224))
    assert np.ptp(plain, axis=2).max() == 0 and np.ptp(overlay, axis=2).max() > 50
