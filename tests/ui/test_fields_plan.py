"""What a scan costs is known and limited before it starts; one scan runs at a time; slides are kept for a while."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread.errors import ImageTooLargeError, UnknownScaleError
from overread.scan import Progress, ScanCancelledError, survey
from tests.support.patch_model import OneModel
from ui import fields as module
from ui import slide_store
from ui.fields import Fields, TooMuchWorkError, described, duration
from ui.received_images import BusyError
from ui.slide_store import SlideGoneError, SlideStore


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Fields:
    return Fields(OneModel(tmp_path_factory.mktemp("weights")))


@pytest.fixture
def field(tmp_path: Path) -> Callable[[int, int], Path]:
    def make(width: int, height: int) -> Path:
        pixels = np.full((height, width, 3), (230, 30, 20), np.uint8)
        path = tmp_path / f"{width}.png"
        Image.fromarray(pixels).save(path)
        return path

    return make


def test_a_plan_says_in_one_sentence_what_a_scan_costs(fields: Fields, field: Callable[[int, int], Path]) -> None:
    plan, seconds = fields.plan(field(700, 500), "", 0.972)
    said = described(plan, seconds)
    assert said["patches"] == plan.patches == 19 * 13 and seconds > 0 and not said["doubtful"]
    assert "700 x 500 px at 0.972 µm/px (given by the caller)" in said["sentence"]
    assert "247 patches, one every 32 px (31 µm), about" in said["sentence"] and "tiny-patches" in said["sentence"]


def test_a_larger_slide_gets_a_wider_stride_and_too_large_a_one_is_refused(
    fields: Fields, field: Callable[[int, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = field(700, 500)
    for most, stride in ((247, 32), (246, 64), (69, 96)):
        monkeypatch.setattr(module, "MAX_PATCHES", most)
        plan, _ = fields.plan(path, "", 0.972)
        assert plan.grid.x.stride == stride and plan.patches <= most
    monkeypatch.setattr(module, "MAX_PATCHES", 20)
    with pytest.raises(TooMuchWorkError, match=r"Every 96 px the slide has 35 patches .* may ask for 20: cut out"):
        fields.plan(path, "", 0.972)
    with pytest.raises(TooMuchWorkError, match="at least 16 px"):
        fields.plan(path, "", 0.972, stride=1)


def test_looking_for_tissue_ends_after_a_while(
    fields: Fields, field: Callable[[int, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LOOK_SECONDS", -1)
    with pytest.raises(TooMuchWorkError, match="not found within"):
        fields.plan(field(700, 500), "", 0.972)


def test_a_scale_that_makes_a_slide_larger_than_glass_is_refused(
    fields: Fields, field: Callable[[int, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "MAX_OVERVIEW_PIXELS", 1000)
    with pytest.raises(ImageTooLargeError, match="check the scale"):
        fields.plan(field(700, 500), "", 4.0)


def test_an_unknown_scale_is_asked_for(fields: Fields, field: Callable[[int, int], Path]) -> None:
    with pytest.raises(UnknownScaleError, match="700 x 500 px are no patch"):
        fields.plan(field(700, 500), "")


def test_a_scan_waits_for_another_and_can_be_stopped_meanwhile(
    fields: Fields, field: Callable[[int, int], Path], tmp_path: Path
) -> None:
    plan, _ = fields.plan(field(400, 300), "", 0.972)
    stop = threading.Event()
    with module.ONE_SCAN:
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(ScanCancelledError, match="before it began"):
            fields.scan(plan, tmp_path / "out", cancelled=stop.is_set)
    seen: list[Progress] = []
    result = fields.scan(plan, tmp_path / "out", progress=seen.append)
    assert seen[-1].done == plan.patches and (tmp_path / "out" / "scan.json").is_file()
    assert fields.plan(field(400, 300), "", 0.972)[1] == pytest.approx(result.seconds)  # the pace of the last scan


def test_durations_are_for_people() -> None:
    assert [duration(seconds) for seconds in (0.1, 59.6, 89, 150, 3600)] == ["1 s", "60 s", "89 s", "2 min", "60 min"]


def test_slides_are_kept_for_a_while_under_a_key_that_nobody_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    store = SlideStore()
    first, second = store.add("Jane Roe.svs"), store.add("../../etc/passwd")
    assert len(first.key) >= 32 and first.key != second.key
    assert first.file.name == "Jane Roe.svs" and second.file.parent == second.folder
    first.file.write_bytes(b"x")
    store.forget(first.key)
    assert not first.folder.exists() and second.folder.exists()
    with pytest.raises(SlideGoneError, match="drop it once more"):
        store.get(first.key)
    monkeypatch.setattr(slide_store, "KEPT_SECONDS", -1)
    store.sweep()
    assert not second.folder.exists()


def test_an_idle_slide_makes_room_and_busy_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slide_store, "MAX_KEPT", 2)
    store = SlideStore()
    first, second = store.add("a"), store.add("b")
    with pytest.raises(BusyError):
        store.add("c")
    first.used = time.monotonic() - slide_store.IDLE_SECONDS - 1
    third = store.add("c")
    assert not first.folder.exists() and store.get(second.key) is second and store.get(third.key) is third
