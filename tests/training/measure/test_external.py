import json
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Image
from sklearn.metrics import recall_score, roc_auc_score

from overread.model_folder import OperatingPoint
from tests.support.stained_patch import stained_patch
from training.measure import intervals
from training.measure.external import NEITHER, NORMAL, OPACITY, load_external, measure_external

RANDOM = np.random.default_rng(4)
READINGS = RANDOM.choice([OPACITY, NORMAL, NEITHER], 120)
VIEWS = RANDOM.choice(["AP", "PA"], 120)
PROBABILITIES = RANDOM.uniform(0, 0.6, 120) + 0.4 * (READINGS == OPACITY)
POINT = OperatingPoint("balanced", 0.5, 0.95, 0.95, "by hand")


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 50)


@pytest.mark.parametrize("view", ["all", "AP", "PA"])
def test_figures_within_a_view_are_scikit_learns(view: str) -> None:
    found = measure_external(READINGS, VIEWS, PROBABILITIES, [POINT])
    json.dumps(found, allow_nan=False)
    of_view = (view == VIEWS) | (view == "all")
    for name, without in (("normal", READINGS == NORMAL), ("rest", READINGS != OPACITY)):
        chosen = of_view & ((READINGS == OPACITY) | without)
        labels, called = READINGS[chosen] == OPACITY, PROBABILITIES[chosen] >= 0.5
        expected = roc_auc_score(labels, PROBABILITIES[chosen])
        assert found["auc"][f"opacity_vs_{name}"][view]["value"] == pytest.approx(expected)
        point = found["operating_points"]["balanced"]
        assert point["sensitivity"][view]["value"] == pytest.approx(recall_score(labels, called))
        specificity = recall_score(labels, called, pos_label=0)
        assert point[f"specificity_{name}"][view]["value"] == pytest.approx(specificity)
    assert found["images"][view]["neither"] == int((of_view & (READINGS == NEITHER)).sum())


def test_a_view_without_normal_films_has_no_auc_and_no_specificity() -> None:
    views = np.where(READINGS == NORMAL, "PA", VIEWS)
    found = measure_external(READINGS, views, PROBABILITIES, [POINT])
    assert found["auc"]["opacity_vs_normal"]["AP"] is None
    assert found["operating_points"]["balanced"]["specificity_normal"]["AP"] is None


def test_films_are_read_with_reading_view_and_label(tmp_path: Path) -> None:
    rows = [{"bytes": stained_patch(row, False), "path": None} for row in range(3)]
    columns = {"image": rows, "label": [1, 0, 0], "reading": [OPACITY, NORMAL, NEITHER], "view": ["AP", "PA", "AP"]}
    dataset = Dataset.from_dict({**columns, "age": [61, 47, 50]}).cast_column("image", Image())
    (tmp_path / "data").mkdir()
    dataset.to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    films = load_external(tmp_path)
    assert films.column_names == ["image", "labels", "reading", "view"]
    assert films["labels"] == [1, 0, 0] and films["reading"][1] == NORMAL
