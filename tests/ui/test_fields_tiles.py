"""Tiles of a slide and of its maps lie on the same pixels at every level of the pyramid, at odd sizes and borders."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from overread.scan import Plan, ScanResult, prepare, run
from tests.support.patch_model import REGION
from tests.support.tiny_model import write_tiny_model
from ui.slide_tiles import TILE, NoSuchTileError, encoded, levels, map_tile, slide_tile, tile_box

SIZES = [(1403, 1001), (97, 700), (256, 512), (1025, 257)]
Tile = Callable[[int, int, int], Image.Image]


@pytest.fixture(scope="module")
def patch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("weights") / "p", REGION)


def smooth(width: int, height: int) -> Image.Image:
    down, across = np.mgrid[:height, :width]
    red = 150 + 90 * np.sin(across / 70) * np.cos(down / 90)
    return Image.fromarray(np.stack([red, np.full_like(red, 20), 255 - red], -1).astype(np.uint8))


@pytest.fixture(scope="module", params=SIZES, ids=str)
def scanned(request: pytest.FixtureRequest, patch_folder: Path) -> tuple[Image.Image, Plan, ScanResult]:
    image = smooth(*request.param)
    plan = prepare(image, patch_folder, 0.972 if min(request.param) < 200 else 0.6)
    return image, plan, run(plan)


def stitched(size: tuple[int, int], level: int, tile: Tile) -> np.ndarray:
    """Return a whole level from its tiles."""
    factor = 2 ** (levels(size) - 1 - level)
    width, height = -(-size[0] // factor), -(-size[1] // factor)
    rows = [
        np.concatenate([np.asarray(tile(level, column, row)) for column in range(-(-width // TILE))], axis=1)
        for row in range(-(-height // TILE))
    ]
    whole = np.concatenate(rows)
    assert whole.shape[:2] == (height, width)
    return whole


def test_every_level_shows_the_slide_resized(scanned: tuple[Image.Image, Plan, ScanResult]) -> None:
    image, plan, _ = scanned
    assert levels(image.size) == 1 + int(np.ceil(np.log2(max(image.size))))
    np.testing.assert_array_equal(
        stitched(image.size, levels(image.size) - 1, lambda *place: slide_tile(plan, *place)), np.asarray(image)
    )
    for level in range(levels(image.size) - 4, levels(image.size) - 1):
        factor = 2 ** (levels(image.size) - 1 - level)
        whole = stitched(image.size, level, lambda *place: slide_tile(plan, *place)).astype(float)
        down, across = (np.arange(side) * factor for side in whole.shape[:2])
        pixels = np.asarray(image, float)
        for y, x in ((0, 0), (-1, -1), (0, -1), (len(down) // 2, len(across) // 3)):
            block = pixels[down[y] : down[y] + factor, across[x] : across[x] + factor].mean((0, 1))
            np.testing.assert_allclose(whole[y, x], block, atol=4 if factor < 8 else 12)


def test_maps_line_up_with_the_pixels_at_every_level(scanned: tuple[Image.Image, Plan, ScanResult]) -> None:
    image, plan, result = scanned
    full = levels(image.size) - 1
    down, across = (np.arange(side) + 0.5 for side in (image.height, image.width))
    wanted = {
        "probability": result.probability_at(down / result.factor[1], across / result.factor[0]),
        "evidence": result.evidence_at(down / result.factor[1], across / result.factor[0]) / result.evidence_scale,
    }
    for layer, by_pixel in wanted.items():
        finest = stitched(image.size, full, lambda *place, layer=layer: map_tile(plan, result, layer, *place))
        expected = np.clip(np.nan_to_num(by_pixel), -1, 1)
        np.testing.assert_allclose(finest[..., 3] / 255, 0.75 * np.abs(expected), atol=0.003)
        orange, teal = finest[..., 0] == 255, finest[..., 0] == 0
        assert orange[expected > 0].all() and teal[expected < 0].all()
        for level in range(full - 5, full):
            factor = 2 ** (full - level)
            coarse = stitched(image.size, level, lambda *place, layer=layer: map_tile(plan, result, layer, *place))
            rows, columns = coarse.shape[:2]
            beyond = ((0, rows * factor - image.height), (0, columns * factor - image.width), (0, 0))
            blocks = np.pad(finest, beyond, "edge").reshape(rows, factor, columns, factor, 4)
            # Each pixel of a coarse level shows what one of the pixels that it covers shows.
            same = (np.abs(blocks.astype(int) - coarse[:, None, :, None]) <= 1).all(-1)
            assert same.any((1, 3)).all()


def test_the_outline_runs_where_tissue_ends(patch_folder: Path) -> None:
    pixels = np.full((700, 900, 3), 245, np.uint8)
    pixels[160:480, 320:640] = (230, 30, 20)
    plan = prepare(Image.fromarray(pixels), patch_folder, 0.972)
    full = levels((900, 700)) - 1
    drawn = stitched((900, 700), full, lambda *place: map_tile(plan, None, "outline", *place))[..., 3] > 0
    down, across = np.nonzero(drawn)
    assert (down.min(), down.max(), across.min(), across.max()) == (160, 479, 320, 639)
    assert not drawn[170:470, 330:630].any() and drawn.sum() == pytest.approx(4 * 320, abs=8)


def test_regions_are_outlined_after_the_scan(scanned: tuple[Image.Image, Plan, ScanResult]) -> None:
    _, plan, result = scanned
    level = levels(plan.slide.size) - 1
    before = np.asarray(map_tile(plan, None, "outline", level, 0, 0))
    after = np.asarray(map_tile(plan, result, "outline", level, 0, 0))
    assert result.regions and (before != after).any()


def test_a_slide_without_a_pyramid_is_never_read_whole(patch_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "flat.tif"
    tifffile.imwrite(path, np.asarray(smooth(6000, 4200)), tile=(256, 256), photometric="rgb")
    plan = prepare(path, patch_folder, 0.25)
    reads = []
    slide, read = plan.slide, plan.slide.read
    slide.read = lambda level, x, y, width, height: reads.append((width, height)) or read(level, x, y, width, height)
    for level in range(levels(slide.size)):
        slide_tile(plan, level, 0, 0)
    assert reads and max(max(size) for size in reads) <= 2049


@pytest.mark.parametrize("place", [(99, 0, 0), (10, 5, 0), (10, 0, 5), (0, 0, 1)])
def test_a_tile_outside_is_refused(place: tuple[int, int, int]) -> None:
    with pytest.raises(NoSuchTileError):
        tile_box((1000, 700), *place)


def test_an_unknown_layer_and_a_map_before_the_scan_are_refused(patch_folder: Path) -> None:
    plan = prepare(smooth(300, 300), patch_folder, 0.972)
    for layer in ("probability", "..", "secret"):
        with pytest.raises(NoSuchTileError):
            map_tile(plan, None, layer, 0, 0, 0)


def test_tiles_are_files_that_browsers_show(patch_folder: Path) -> None:
    plan = prepare(smooth(300, 300), patch_folder, 0.972)
    assert encoded(slide_tile(plan, 0, 0, 0), "jpeg")[:2] == b"\xff\xd8"
    assert encoded(map_tile(plan, None, "outline", 0, 0, 0), "png")[:4] == b"\x89PNG"
