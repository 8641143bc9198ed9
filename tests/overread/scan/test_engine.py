from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread.classifier import Classifier
from overread.scan import scan
from overread.scan.models import AGREEMENT_FILE, agreement, scan_model

Field = Callable[[int, int], Image.Image]


@pytest.fixture
def measured(patch_folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """What was measured on the tiny model: dense log-odds must be doubled and lowered by 1."""
    record = {
        "patches": 900,
        "auc_single": 0.95,
        "auc_dense": 0.94,
        "same_decision": 0.96,
        "slope": 2.0,
        "intercept": -1.0,
        "dense_by_default": True,
    }
    sha256 = scan_model(patch_folder, 1).classifier.identity.sha256
    monkeypatch.setattr("overread.scan.models.agreement", lambda: {sha256: record})
    return record


@pytest.mark.usefixtures("measured")
def test_a_dense_scan_is_recalibrated_and_its_cells_still_add_up(patch_folder: Path, field: Field) -> None:
    exact = scan(field(288, 192), patch_folder, 0.972, exact=True, stride=96)
    dense = scan(field(288, 192), patch_folder, 0.972, exact=False, stride=96)
    np.testing.assert_allclose(dense.log_odds, 2 * exact.log_odds - 1, atol=1e-5)
    cells = dense.evidence.reshape(2, 12, 3, 12).sum((1, 3))
    bias = 2 * scan_model(patch_folder, 1).classifier.config.heatmap.bias - 1
    np.testing.assert_allclose(cells + bias, dense.log_odds, atol=1e-4)


def test_dense_is_the_default_only_where_it_was_measured_to_agree(
    patch_folder: Path, field: Field, measured: dict
) -> None:
    result = scan(field(288, 192), patch_folder, 0.972)
    assert result.engine == "dense" and any("96.0 % of its decisions" in note for note in result.notes)
    measured["dense_by_default"] = False
    assert scan(field(288, 192), patch_folder, 0.972).engine == "exact"


def test_a_loaded_model_scans_densely_as_its_folder_does(patch_folder: Path, field: Field) -> None:
    loaded = scan(field(288, 192), Classifier(patch_folder, threads=1), 0.972, exact=False, stride=96)
    by_folder = scan(field(288, 192), patch_folder, 0.972, exact=False, stride=96)
    assert loaded.engine == "dense"
    np.testing.assert_array_equal(loaded.log_odds, by_folder.log_odds)


def test_without_a_measurement_exact_is_the_default(patch_folder: Path, field: Field) -> None:
    assert scan(field(288, 192), patch_folder, 0.972).engine == "exact"


def test_what_was_measured_is_complete() -> None:
    for sha256, record in agreement().items():
        assert len(sha256) == 64, AGREEMENT_FILE
        assert 0.5 < record["auc_dense"] <= 1 and 0.5 < record["same_decision"] <= 1
        assert {"model", "slope", "intercept", "dense_by_default", "patches", "auc_single"} <= set(record)


def test_the_documentation_quotes_what_was_measured() -> None:
    page = (Path(__file__).parents[3] / "docs" / "scanning.md").read_text(encoding="utf-8")
    for record in agreement().values():
        row = f"| {record['model']} | {record['auc_single']:.3f} | {record['auc_dense']:.3f} |"
        assert row in page
