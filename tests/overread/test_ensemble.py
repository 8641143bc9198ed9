"""Ensembles of tiny models, whose outputs can be calculated by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from overread.classifier import Classifier
from overread.errors import ModelFolderError
from overread.evidence import Evidence, weighted_map, weighted_sum
from overread.model_folder import sha256_of
from tests.support.tiny_model import SIZE, write_tiny_ensemble, write_tiny_model

NOISE = Image.fromarray(np.random.default_rng(5).integers(0, 256, (SIZE, SIZE, 3), np.uint8))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Two members that differ in the bias of one class, and their ensemble."""
    write_tiny_model(tmp_path / "one")
    write_tiny_model(tmp_path / "two", bias=(0.0, 2.0))
    write_tiny_ensemble(tmp_path / "both", {"one": 1.5, "two": 0.5}, intercept=-0.5)
    return tmp_path


def test_log_odds_are_the_weighted_sum_of_the_members(weights: Path) -> None:
    one, two, both = (Classifier(weights / name, threads=1).predict(NOISE) for name in ("one", "two", "both"))
    assert one.log_odds != pytest.approx(two.log_odds)
    assert both.log_odds == pytest.approx(1.5 * one.log_odds + 0.5 * two.log_odds - 0.5, abs=1e-6)
    assert both.members == pytest.approx({"one": one.probability, "two": two.probability})
    assert one.members == {}


def test_the_weighted_cells_and_the_bias_still_add_up(weights: Path) -> None:
    answer = Classifier(weights / "both", threads=1).predict(NOISE)
    assert answer.heatmap.shape == (12, 12) and answer.heatmap.dtype == np.float32
    assert answer.heatmap.sum() + answer.heatmap_bias == pytest.approx(answer.log_odds, abs=1e-4)


def test_maps_are_summed_on_the_finest_grid_and_keep_their_sums() -> None:
    coarse, fine = np.array([[[4.0, 0.0], [0.0, -8.0]]]), np.ones((1, 3, 3))
    found = weighted_map([coarse, fine], [0.25, 2.0])
    assert found.shape == (1, 3, 3)
    # A coarse cell covers one fine cell, half of two and a quarter of the middle one: 4/9, 2/9, 2/9, 1/9 of its value.
    shared = np.array([[16, 8, 0], [8, 4 - 8, -16], [0, -16, -32]]) / 9
    np.testing.assert_allclose(found[0], 0.25 * shared + 2.0)
    assert found.sum() == pytest.approx(0.25 * coarse.sum() + 2.0 * fine.sum())


def test_its_identity_is_the_digest_of_its_config(weights: Path) -> None:
    both = Classifier(weights / "both", threads=1)
    assert both.identity.sha256 == sha256_of(weights / "both" / "config.json")


def test_a_member_with_another_digest_is_refused(weights: Path) -> None:
    write_tiny_model(weights / "new", bias=(0.3, 0.1))
    (weights / "new" / "onnx" / "model.onnx").replace(weights / "two" / "onnx" / "model.onnx")
    with pytest.raises(ModelFolderError, match="both was calibrated with another two"):
        Classifier(weights / "both", threads=1)


def test_members_are_matched_by_name_not_by_order(weights: Path) -> None:
    one, two = (Classifier(weights / name, threads=1) for name in ("one", "two"))
    answer = Classifier(weights / "both", threads=1, members=[two, one]).predict(NOISE)
    assert answer.members["one"] == pytest.approx(one.predict(NOISE).probability)
    assert answer.members["two"] == pytest.approx(two.predict(NOISE).probability)


def test_an_ensemble_of_ensembles_is_refused(weights: Path) -> None:
    write_tiny_ensemble(weights / "more", {"one": 0.5, "both": 0.5})
    with pytest.raises(ModelFolderError, match="cannot be a member"):
        Classifier(weights / "more", threads=1)


@pytest.mark.parametrize(
    "change",
    [
        {"members": {}},
        {"slope": 1},
        {"weights": {"one": 1.0}},
        {"weights": {"one": 1.0, "two": -0.1}},
        {"views": []},
        {"views": ["from behind"]},
    ],
)
def test_invalid_ensemble_settings_are_refused(weights: Path, change: dict[str, Any]) -> None:
    file = weights / "both" / "config.json"
    config = json.loads(file.read_text())
    config["overread"]["ensemble"] |= change
    file.write_text(json.dumps(config))
    with pytest.raises(ModelFolderError, match=r"config\.json cannot be used"):
        Classifier(weights / "both", threads=1)


def test_a_weighted_sum_of_evidence_has_a_map_that_adds_up() -> None:
    random = np.random.default_rng(4)
    maps = [random.normal(size=(2, side, side)).astype(np.float32) for side in (6, 12)]
    biases = [0.3, -0.1]
    parts = [
        Evidence(cells.sum((1, 2), dtype=np.float64) + bias, cells, preprocess_ms=1.0, inference_ms=2.0)
        for cells, bias in zip(maps, biases, strict=True)
    ]
    found = weighted_sum(parts, [1.2, 0.4], intercept=-0.2)
    assert found.heatmap.shape == (2, 12, 12) and found.heatmap.dtype == np.float32
    np.testing.assert_allclose(found.log_odds, 1.2 * parts[0].log_odds + 0.4 * parts[1].log_odds - 0.2)
    bias = 1.2 * 0.3 - 0.4 * 0.1 - 0.2
    np.testing.assert_allclose(found.heatmap.sum((1, 2)) + bias, found.log_odds, atol=1e-4)
    assert (found.preprocess_ms, found.inference_ms) == (2.0, 4.0)
