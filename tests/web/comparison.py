"""What the page answered against what Python answers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

import overread
from overread.catalogue import Domain, catalogue
from overread.classifier import Classifier
from overread.errors import InputError, RefusedImageError
from overread.images import READABLE
from overread.prediction import Prediction
from web.sentences import READABLE_HERE

LOG_ODDS, LEVELS = 0.05, 0.002  # the largest differences: of the log-odds, and of a cell
NETS: dict[Domain, str] = {}
for entry in catalogue().values():
    if not entry.members:
        NETS.setdefault(entry.domain, entry.name)
Saved = dict[str, Any]


def default_net(domain: Domain) -> Classifier:
    """Return the net that the page answers with at first."""
    return overread.load(NETS[domain])


def compare(
    saved: Saved, classifier: Classifier, file: Path, mpp: float | None = None, squash: bool = False
) -> Prediction | None:
    """Hold what the page saved against Python's answer, or refusal, to the same file; return the answer."""
    try:
        expected = classifier.predict(file, mpp=mpp, squash=squash)
    except InputError as error:
        reason = error.verdict.reason if isinstance(error, RefusedImageError) and error.verdict else str(error)
        assert saved.get("error") == reason.replace(READABLE, READABLE_HERE), file.name
        return None
    assert "error" not in saved, (file.name, saved)
    assert abs(saved["log_odds"] - expected.log_odds) <= LOG_ODDS, file.name
    points = classifier.config.operating_points
    edges = [np.log(points[name].threshold / (1 - points[name].threshold)) for name in ("screening", "rule-in")]
    if all(abs(expected.log_odds - edge) > LOG_ODDS for edge in edges):
        assert saved["reading"]["answer"] == expected.reading.answer
        assert saved["decision"] == expected.decision
    np.testing.assert_allclose(saved["heatmap"]["values"], expected.heatmap, atol=LEVELS)
    assert expected.guard and (saved["guard"]["code"] == expected.guard.code or near_limit(expected))
    assert saved["guard"]["distance"] == pytest.approx(expected.guard.distance, rel=0.02)
    if not near_limit(expected):
        assert saved["notes"] == list(expected.notes)
    if expected.lungs and expected.lungs.evidence_inside is not None:
        assert saved["lungs"]["area"] == pytest.approx(expected.lungs.area, abs=0.01)
        assert saved["lungs"]["evidence_inside"] == pytest.approx(expected.lungs.evidence_inside, abs=0.02)
        drawn, outlined = (mask(outline) for outline in (saved["lungs"]["outline"], expected.lungs.outline))
        assert np.count_nonzero(drawn != outlined) <= 0.01 * drawn.size
    same = {"finding", "image_sha256", "image_sha256_of", "disclaimer", "schema_version"}
    python = expected.to_json()
    assert {name: saved[name] for name in same} == {name: python[name] for name in same}
    assert saved["model"] == python["model"]
    assert saved.keys() - {"file"} == python.keys() and saved["milliseconds"].keys() == python["milliseconds"].keys()
    return expected


def mask(outline: Any) -> np.ndarray:
    """Return (200, 200), where an outline's polygons are filled."""
    drawn = Image.new("1", (200, 200))
    for polygon in outline:
        ImageDraw.Draw(drawn).polygon([(200 * float(x), 200 * float(y)) for x, y in polygon], fill=1)
    return np.asarray(drawn)


def near_limit(prediction: Prediction) -> bool:
    return bool(prediction.guard and prediction.guard.distance and abs(prediction.guard.distance - 1) < 0.02)
