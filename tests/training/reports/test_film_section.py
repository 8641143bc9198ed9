"""The sections about films say what was measured, and leave out what was not."""

from typing import Any

import numpy as np

from overread.model_folder import OperatingPoint
from training.measure.evidence_in_lungs import evidence_in_lungs
from training.measure.external import NORMAL, OPACITY, measure_external
from training.measure.intervals import proportion
from training.reports.film_section import (
    cropping_section,
    external_points_section,
    external_section,
    half_films_section,
    lungs_section,
    resampling_section,
)

POINT = OperatingPoint("balanced", 0.5, 0.9, 0.9, "")
VIEWS = np.array(["AP"] * 4 + ["PA"] * 4)
EXTERNAL = measure_external(
    np.array([OPACITY, OPACITY, OPACITY, OPACITY, OPACITY, OPACITY, NORMAL, NORMAL]),
    VIEWS,
    np.array([0.9, 0.8, 0.7, 0.2, 0.9, 0.9, 0.1, 0.6]),
    [POINT],
)
GAME = {"mean": 0.9, "low": 0.85, "high": 0.95, "films": 100, "empty": 0}


def test_every_view_has_a_row_and_a_view_without_normal_films_has_no_specificity() -> None:
    rows = external_section(EXTERNAL, "balanced").splitlines()
    assert rows[0].startswith("On 8 films") and "6 lung opacity, 2 normal, 0 neither" in rows[0]
    everything, ap, pa = rows[-3:]
    assert everything.startswith("| all | 6, 2, 0 | ") and "| 0.833 (" in everything and "| 0.500 (" in everything
    assert ap.startswith("| AP | 4, 0, 0 | none | none | 0.750 (") and ap.endswith("| none |")
    assert pa.startswith("| PA | 2, 2, 0 | 1.000 (")
    points = external_points_section(EXTERNAL).splitlines()[-3:]
    assert [row.split(" | ")[0] for row in points] == ["| balanced, all", "| balanced, AP", "| balanced, PA"]


def test_the_share_in_the_lungs_stands_beside_the_area() -> None:
    mask = np.zeros((8, 8), bool)
    mask[:, :4] = True
    heatmaps = np.zeros((4, 2, 2))
    heatmaps[:, 0, 0] = [3.0, 3.0, 1.0, 1.0]
    heatmaps[2:, 0, 1] = 1.0
    measured = evidence_in_lungs(heatmaps, dict.fromkeys(range(4), mask), np.array([1, 1, 0, 0]))
    text = lungs_section(measured)
    assert "the 4 of 4 test films" in text
    assert "| with the finding | 2 | 1.000 (1.000-1.000) | 1.000 (0.342-1.000) | 0.500 (0.500-0.500) |" in text
    assert "| without the finding | 2 | 0.500 (0.500-0.500) | " in text


def test_one_sided_films_are_told_where_there_are_any() -> None:
    games = {"any": GAME | {"mean": 0.8}, "surest": GAME}
    alone = half_films_section(games, None)
    assert "On 100 half films" in alone and "is 0.900 (0.850-0.950)" in alone and "0.800 (" in alone
    assert "brightness" not in alone
    share = {"value": 0.7, "low": 0.6, "high": 0.8}
    one_sided = {"films": 12, "in_brighter": 9, "share": share, "chance": 0.52}
    assert "Of the 12 validation films" in half_films_section(games, one_sided)
    assert "9 have most" in half_films_section(games, one_sided)
    assert "no more than chance" not in half_films_section(games, one_sided)
    by_chance = one_sided | {"share": share | {"low": 0.4}}
    assert half_films_section(games, by_chance).endswith("the evidence says lung, not which lung.")


def test_resizing_is_told_where_images_were_resized_and_films_are_listed() -> None:
    filters: dict[str, Any] = {
        "resized": True,
        "images": 1462,
        "flipped": proportion(7, 1462),
        "change_95": {"value": 0.031, "low": 0.028, "high": 0.035},
    }
    text = resampling_section(filters, [])
    assert "on 1,462 test images: a share of 0.005 (0.002-0.010) of the decisions flips" in text
    assert "at most 0.031 (0.028-0.035)" in text and "Full-size" not in text
    row: dict[str, Any] = {"film": "IM-1", "split": "test", "full_size": [1460, 906], "stored_size": [224, 224]}
    row |= {"log_odds_full_size": 2.6, "log_odds_stored": 1.25, "difference": 1.35}
    films = resampling_section(filters | {"resized": False}, [row])
    assert films.startswith("The test images are as large as the input") and "largest difference is 1.35" in films
    assert "| IM-1 | test | 1460 x 906 | +2.60 | +1.25 | +1.35 |" in films


def test_what_cropping_changes_stands_beside_the_films_as_they_are() -> None:
    rates = {"sensitivity": proportion(9, 10), "specificity": proportion(8, 10)}
    crop = {**rates, "flipped": proportion(2, 20), "change_with_finding": 0.314, "change_without_finding": -0.2}
    crops = {"top and bottom": crop, "sides": crop}
    measured = {"kept": 0.8, "images": 20, "crops": crops, "auc_against_proportions": proportion(9, 10)}
    lines = cropping_section(measured, rates).splitlines()
    assert "the 20 test films" in lines[0]
    assert lines[4].startswith("| as they are | | | 0.900 (") and "| 0.800 (" in lines[4]
    assert lines[5].startswith("| 20% cut off, top and bottom | 0.100 (") and "| +0.31, -0.20 | 0.900 (" in lines[5]
    assert lines[6].startswith("| 20% cut off, sides |") and lines[-1].endswith("the AUC is 0.900 (0.596-0.982).")
