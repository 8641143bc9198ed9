"""A real slide: CMU-1-Small-Region.svs, skin without tumour, from OpenSlide's test data."""

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import overread
from overread.scan import ScanResult, prepare, scan

MODEL = "pcam-efficientnet-lite0"


@pytest.fixture(scope="module")
def slide(real_data: Path) -> Path:
    path = real_data / "samples" / "CMU-1-Small-Region.svs"
    if not path.is_file():
        pytest.skip(f"no real slide: {path} does not exist")
    return path


@pytest.fixture(scope="module")
def result(slide: Path, tmp_path_factory: pytest.TempPathFactory) -> ScanResult:
    return scan(slide, MODEL, stride=96, threads=1, out=tmp_path_factory.mktemp("out"))


def test_the_slides_scale_comes_from_the_scanner(result: ScanResult) -> None:
    assert (result.scale.x, result.scale.y) == (0.499, 0.499) and "aperio" in result.scale.source
    assert result.grid.x.size == int(2220 * 0.499 / 0.972) and result.grid.y.size == int(2967 * 0.499 / 0.972)


def test_glass_is_skipped_and_tissue_is_not(result: ScanResult) -> None:
    answered = np.isfinite(result.log_odds)
    assert 0.3 < answered.mean() < 0.7
    share_of_tissue = result.tissue_mm2.sum() / (2220 * 2967 * 0.499**2 / 1e6)
    assert 0.3 < share_of_tissue < 0.4  # by eye: a strip of a third of the image


def test_patches_of_the_scan_are_those_cut_from_the_resized_slide(slide: Path, result: ScanResult) -> None:
    with prepare(slide, MODEL, stride=96, threads=1) as plan:
        whole = plan.slide.read(0, 0, 0, *plan.slide.size)
        factor = plan.view.factor
        size = plan.view.size
    resized = whole.resize(size, Image.Resampling.BICUBIC, box=(0, 0, size[0] * factor[0], size[1] * factor[1]))
    places = np.argwhere(np.isfinite(result.log_odds))[::9]
    starts = [(int(result.grid.x.starts[column]), int(result.grid.y.starts[row])) for row, column in places]
    found = overread.load(MODEL, threads=1).evidence([resized.crop((x, y, x + 96, y + 96)) for x, y in starts])
    np.testing.assert_allclose(result.log_odds[tuple(places.T)], found.log_odds, atol=0.02)


def test_a_mosaic_of_labelled_patches_gives_back_the_single_answers(real_data: Path) -> None:
    file = next((real_data / "PatchCamelyon" / "data").glob("valid*"))
    rows = pq.read_table(file, columns=["image"]).slice(0, 12).to_pylist()
    patches = [Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB") for row in rows]
    mosaic = Image.new("RGB", (4 * 96, 3 * 96))
    for index, patch in enumerate(patches):
        mosaic.paste(patch, (index % 4 * 96, index // 4 * 96))
    found = scan(mosaic, MODEL, 0.972, exact=True, stride=96, threads=1)
    answered = np.isfinite(found.log_odds.ravel())
    assert answered.sum() >= 8
    alone = overread.load(MODEL, threads=1).evidence(patches)
    np.testing.assert_allclose(found.log_odds.ravel()[answered], alone.log_odds[answered], atol=1e-5)
