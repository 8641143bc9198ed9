from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread.classifier import Classifier
from overread.errors import ImageTooSmallError, UnknownOperatingPointError
from overread.scan import NotScannableError, Progress, ScanCancelledError, UnknownScaleError, dense, prepare, scan
from overread.scan.exact import ExactEngine
from overread.scan.scanner import CHECKPOINT_FOLDER
from tests.support.tiny_model import CELL, write_tiny_ensemble, write_tiny_model

Field = Callable[[int, int], Image.Image]
MPP = 0.972


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a field of a few hundred pixels has several tiles."""
    monkeypatch.setattr(ExactEngine, "tile_px", 200)
    monkeypatch.setattr(dense, "MAX_DENSE_INPUT", 200 + 2 * dense.DenseEngine.halo)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("exact", [True, False])
def test_a_mosaic_gives_back_the_answers_of_its_patches(patch_folder: Path, field: Field, exact: bool) -> None:
    mosaic = field(5 * 96, 4 * 96)
    result = scan(mosaic, patch_folder, MPP, exact=exact, stride=96)
    patches = [
        mosaic.crop((x, y, x + 96, y + 96)) for y in range(0, mosaic.height, 96) for x in range(0, mosaic.width, 96)
    ]
    expected = Classifier(patch_folder, threads=1).evidence(patches)
    assert result.log_odds.shape == (4, 5)
    np.testing.assert_allclose(result.log_odds.ravel(), expected.log_odds, atol=1e-5)
    joined = expected.heatmap.reshape(4, 5, 12, 12).transpose(0, 2, 1, 3).reshape(48, 60)
    np.testing.assert_allclose(result.evidence, joined, atol=1e-6)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("size", [(96, 96), (107, 131), (301, 259), (450, 97), (129, 640)])
def test_every_patch_of_an_odd_field_has_the_answer_of_its_pixels(
    patch_folder: Path, field: Field, size: tuple[int, int], exact: bool
) -> None:
    image = field(*size)
    result = scan(image, patch_folder, MPP, exact=exact, stride=32)
    classifier = Classifier(patch_folder, threads=1)
    for row, y in enumerate(result.grid.y.starts):
        for column, x in enumerate(result.grid.x.starts):
            alone = classifier.evidence([image.crop((x, y, x + 96, y + 96))])
            assert result.log_odds[row, column] == pytest.approx(alone.log_odds[0], abs=1e-5)
    down = np.arange(result.grid.y.offset, result.grid.y.offset + result.grid.y.span) + 0.5
    across = np.arange(result.grid.x.offset, result.grid.x.offset + result.grid.x.span) + 0.5
    pixels = np.asarray(image, np.float64)[down.astype(int)][:, across.astype(int)]
    by_pixel = ((pixels / 255 - 0.5) / 0.5) @ np.array([3.0, 0.0, -2.0])
    cells = by_pixel.reshape(len(down) // CELL, CELL, len(across) // CELL, CELL).mean((1, 3)) / 144
    np.testing.assert_allclose(result.evidence_at(down, across)[::CELL, ::CELL], cells, atol=1e-6)


def test_maps_line_up_with_the_slides_pixels_at_another_scale(patch_folder: Path) -> None:
    pixels = np.full((901, 1103, 3), (20, 90, 200), np.uint8)  # at 0.486 um/px: 551 x 450 at the model's scale
    pixels[300:560, 500:700] = (230, 30, 20)
    result = scan(Image.fromarray(pixels), patch_folder, 0.486, exact=True, stride=8)
    assert result.factor == pytest.approx((2.0, 2.0)) and result.grid.x.size == 551 and result.grid.y.size == 450
    down, across = np.arange(450) + 0.5, np.arange(551) + 0.5
    positive = np.argwhere(result.evidence_at(down, across) > 0)
    low, high = positive.min(0), positive.max(0) + 1
    # A cell of 8 pixels belongs to the mark if most of it does.
    assert np.abs(low - (150, 250)).max() <= CELL / 2 + 1 and np.abs(high - (280, 350)).max() <= CELL / 2 + 1
    probability = result.probability_at(down, across)
    peak = np.argwhere(probability == np.nanmax(probability)).mean(0)
    assert np.abs(peak - (215, 300)).max() <= 8


def test_background_is_skipped_and_its_area_does_not_count(patch_folder: Path) -> None:
    pixels = np.full((800, 800, 3), 245, np.uint8)
    pixels[160:480, 320:640] = (230, 30, 20)
    result = scan(Image.fromarray(pixels), patch_folder, MPP, exact=True, stride=32)
    answered = np.isfinite(result.log_odds)
    assert 100 <= answered.sum() <= 144 and answered.sum() < answered.size / 3
    expected = (320 * MPP / 1000) ** 2
    assert result.tissue_mm2.sum() == pytest.approx(expected, rel=0.01)
    assert result.burden.share == pytest.approx(1.0, abs=0.02) and result.burden.area_mm2 == pytest.approx(
        expected, rel=0.03
    )
    assert np.isnan(result.evidence_at(np.array([700.5]), np.array([100.5])))[0, 0]
    assert np.isnan(result.probability_at(np.array([700.5]), np.array([100.5])))[0, 0]


def test_area_grows_from_the_strictest_to_the_most_lenient_threshold(patch_folder: Path, field: Field) -> None:
    result = scan(field(700, 500), patch_folder, MPP)
    areas = [burden.area_mm2 for burden in result.burdens]
    assert [burden.operating_point for burden in result.burdens] == ["screening", "balanced", "rule-in"]
    assert areas == sorted(areas, reverse=True) and areas[0] > areas[-1]
    assert result.area_interval_mm2 == (areas[-1], areas[0])
    by_hand = result.tissue_mm2[result.probability >= 0.5].sum()
    assert result.burden.area_mm2 == pytest.approx(by_hand)
    assert scan(field(700, 500), patch_folder, MPP, operating_point="screening").burden.area_mm2 == areas[0]


def test_a_patch_of_unknown_scale_is_read_as_one(patch_folder: Path, field: Field) -> None:
    result = scan(field(96, 96), patch_folder)
    alone = Classifier(patch_folder, threads=1).predict(field(96, 96))
    assert result.log_odds.item() == pytest.approx(alone.log_odds, abs=1e-6)
    assert "assumed" in result.scale.source and result.scale.x == MPP


def test_a_field_a_little_larger_than_a_patch_is_cropped_to_its_centre(patch_folder: Path, field: Field) -> None:
    result = scan(field(110, 101), patch_folder)
    alone = Classifier(patch_folder, threads=1).predict(field(110, 101).crop((7, 2, 103, 98)))
    assert result.log_odds.item() == pytest.approx(alone.log_odds, abs=1e-6)
    assert any("centre of 96 x 96 px, out of 110 x 101" in note for note in result.notes)


def test_a_larger_field_of_unknown_scale_is_refused(patch_folder: Path, field: Field) -> None:
    with pytest.raises(UnknownScaleError, match="its micrometres per pixel"):
        scan(field(400, 300), patch_folder)


def test_the_callers_scale_comes_before_the_files(patch_folder: Path, field: Field, tmp_path: Path) -> None:
    field(400, 300).save(tmp_path / "field.png", dpi=(25_400 / 0.5,) * 2)
    from_file = scan(tmp_path / "field.png", patch_folder)
    assert from_file.grid.x.size == pytest.approx(400 * 0.5 / MPP, abs=1) and "in the file" in from_file.scale.source
    from_caller = scan(tmp_path / "field.png", patch_folder, MPP)
    assert from_caller.grid.x.size == 400 and from_caller.scale.source == "given by the caller"


def test_a_field_smaller_than_a_patch_is_refused(patch_folder: Path, field: Field) -> None:
    with pytest.raises(ImageTooSmallError, match="93 µm"):
        scan(field(150, 150), patch_folder, 0.25)


def test_a_coarse_field_is_enlarged_with_a_note(patch_folder: Path, field: Field) -> None:
    result = scan(field(200, 200), patch_folder, 2.0)
    assert result.grid.x.size == 411 and any("coarser" in note for note in result.notes)


def test_glass_without_tissue_is_no_error(patch_folder: Path, tmp_path: Path) -> None:
    result = scan(Image.new("RGB", (400, 300), (246, 246, 246)), patch_folder, MPP, out=tmp_path)
    assert np.isnan(result.log_odds).all() and result.suspicious == () and result.regions == ()
    assert result.burden.share == 0 and any("No stained tissue" in note for note in result.notes)


def test_the_most_suspicious_patches_do_not_overlap_and_are_read_alone(patch_folder: Path, field: Field) -> None:
    image = field(700, 500)
    result = scan(image, patch_folder, MPP, exact=True, stride=32)
    assert len(result.suspicious) == 10
    assert result.suspicious[0].log_odds == np.nanmax(result.log_odds)
    assert [patch.log_odds for patch in result.suspicious] == sorted(
        (p.log_odds for p in result.suspicious), reverse=True
    )
    for one in result.suspicious:
        assert one.prediction.log_odds == pytest.approx(one.log_odds, abs=1e-5)
        assert one.prediction.heatmap.shape == (12, 12)
        for other in result.suspicious:
            apart = abs(one.box[0] - other.box[0]) >= 96 or abs(one.box[1] - other.box[1]) >= 96
            assert apart or one is other


def test_a_model_of_whole_images_cannot_scan(tiny_folder: Path, field: Field) -> None:
    with pytest.raises(NotScannableError, match="whole images"):
        scan(field(400, 300), tiny_folder, MPP)


@pytest.mark.parametrize("stride", [0, 97, -3])
def test_a_stride_that_leaves_gaps_is_refused(patch_folder: Path, field: Field, stride: int) -> None:
    with pytest.raises(NotScannableError, match="1 to 96 px"):
        scan(field(400, 300), patch_folder, MPP, stride=stride)


def test_a_dense_stride_is_in_whole_cells(patch_folder: Path, field: Field) -> None:
    with pytest.raises(NotScannableError, match="24 or 32, not 30"):
        scan(field(400, 300), patch_folder, MPP, exact=False, stride=30)


def test_an_unknown_operating_point_ends_before_the_first_patch(patch_folder: Path, field: Field) -> None:
    with pytest.raises(UnknownOperatingPointError):
        scan(field(400, 300), patch_folder, MPP, operating_point="whatever", progress=lambda _: pytest.fail("scanned"))


def test_an_ensemble_scans_patch_by_patch_only(tmp_path: Path, field: Field) -> None:
    region = {"spacing_um_per_px": MPP, "patch_px": 96, "labelled_centre_px": 32}
    write_tiny_model(tmp_path / "one", region)
    write_tiny_model(tmp_path / "two", region, (0.0, 1.0))
    ensemble = write_tiny_ensemble(tmp_path / "both", {"one": 0.5, "two": 0.5})
    config = (ensemble / "config.json").read_text()
    (ensemble / "config.json").write_text(config.replace('"region": null', f'"region": {_json(region)}'))
    classifier = Classifier(ensemble, threads=1)
    result = scan(field(192, 96), classifier, MPP, stride=96)
    expected = classifier.evidence([field(192, 96).crop((x, 0, x + 96, 96)) for x in (0, 96)])
    np.testing.assert_allclose(result.log_odds.ravel(), expected.log_odds, atol=1e-5)
    with pytest.raises(NotScannableError, match="no dense scan"):
        scan(field(192, 96), ensemble, MPP, exact=False)


def _json(values: dict[str, float]) -> str:
    return str(values).replace("'", '"')


@pytest.mark.usefixtures("small_tiles")
def test_progress_ends_with_every_patch_done(patch_folder: Path, field: Field) -> None:
    seen: list[Progress] = []
    result = scan(field(700, 500), patch_folder, MPP, progress=seen.append)
    assert len(seen) > 3 and [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1].done == seen[-1].total == np.isfinite(result.log_odds).sum()
    assert seen[-1].remaining == 0 and seen[0].remaining is not None and seen[0].remaining > 0


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("exact", [True, False])
def test_a_stopped_scan_goes_on_where_it_was(patch_folder: Path, field: Field, tmp_path: Path, exact: bool) -> None:
    field(700, 500).save(tmp_path / "field.png")
    arguments = (tmp_path / "field.png", patch_folder, MPP)
    before: list[Progress] = []
    with pytest.raises(ScanCancelledError, match="stopped after"):
        scan(*arguments, exact=exact, out=tmp_path / "out", progress=before.append, cancelled=lambda: len(before) == 2)
    after: list[Progress] = []
    resumed = scan(*arguments, exact=exact, out=tmp_path / "out", progress=after.append)
    at_once = scan(*arguments, exact=exact)
    assert after[0].done > before[-1].done
    np.testing.assert_array_equal(resumed.log_odds, at_once.log_odds)
    np.testing.assert_array_equal(resumed.evidence, at_once.evidence)
    assert not (tmp_path / "out" / CHECKPOINT_FOLDER).exists()


@pytest.mark.usefixtures("small_tiles")
def test_a_checkpoint_of_another_scan_is_not_taken_up(patch_folder: Path, field: Field, tmp_path: Path) -> None:
    field(700, 500).save(tmp_path / "field.png")
    seen: list[Progress] = []
    with pytest.raises(ScanCancelledError):
        scan(
            tmp_path / "field.png",
            patch_folder,
            MPP,
            out=tmp_path / "out",
            progress=seen.append,
            cancelled=lambda: len(seen) == 2,
        )
    other: list[Progress] = []
    result = scan(tmp_path / "field.png", patch_folder, 0.5, out=tmp_path / "out", progress=other.append)
    expected = scan(tmp_path / "field.png", patch_folder, 0.5)
    np.testing.assert_array_equal(result.log_odds, expected.log_odds)
    assert other[0].done < other[0].total


def test_a_plan_says_what_a_scan_will_do_before_it_starts(patch_folder: Path, field: Field) -> None:
    with prepare(field(700, 500), patch_folder, MPP) as plan:
        assert plan.patches == 19 * 13 and plan.engine.name == "exact"
        assert plan.megapixels == pytest.approx(0.35, rel=0.02)
