from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread.classifier import Classifier
from overread.guard import Verdict
from overread.scan import scan

Field = Callable[[int, int], Image.Image]


class RedGuard:
    """Accepts patches that are red on the whole, refuses the others, and keeps what it was shown."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def judge(self, image: Image.Image, tags: object = None, lungs: object = None) -> Verdict:
        self.seen.append(np.asarray(image))
        red, _, blue = np.asarray(image).mean((0, 1))
        return Verdict("accepted") if red > blue else Verdict("refused", "other", "It is not red.")


@pytest.fixture
def guarded(patch_folder: Path) -> tuple[Classifier, RedGuard]:
    """The tiny model with a guard."""
    classifier, guard = Classifier(patch_folder, threads=1), RedGuard()
    classifier.guard = guard  # type: ignore[assignment]
    return classifier, guard


def test_a_slide_unlike_what_the_model_learned_from_is_scanned_with_a_note(
    guarded: tuple[Classifier, RedGuard],
) -> None:
    classifier, guard = guarded
    result = scan(Image.new("RGB", (600, 500), (30, 60, 200)), classifier, 0.972)
    assert result.familiarity is not None and result.familiarity.refused == result.familiarity.sampled == 64
    assert all(patch.shape == (96, 96, 3) for patch in guard.seen)
    assert "the answers may mean nothing" in result.notes[0]
    assert np.isfinite(result.log_odds).all() and len(result.suspicious) == 10
    assert result.to_json()["guard"] == {"sampled": 64, "unfamiliar": 0, "refused": 64}


def test_a_familiar_slide_has_no_note(guarded: tuple[Classifier, RedGuard]) -> None:
    result = scan(Image.new("RGB", (600, 500), (200, 60, 30)), guarded[0], 0.972)
    assert result.familiarity is not None and result.familiarity.refused == 0 and result.notes == ()


def test_glass_is_no_reason_for_a_note(guarded: tuple[Classifier, RedGuard]) -> None:
    pixels = np.full((500, 600, 3), 246, np.uint8)
    pixels[:, :300] = (200, 60, 30)
    result = scan(Image.fromarray(pixels), guarded[0], 0.972)
    assert result.familiarity is not None and not result.familiarity.is_doubtful


def test_without_a_guard_nothing_is_said(patch_folder: Path, field: Field) -> None:
    result = scan(field(400, 300), patch_folder, 0.972)
    assert result.familiarity is None and result.to_json()["guard"] is None
