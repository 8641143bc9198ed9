import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
import tifffile
from PIL import Image

from overread.scan import ScanResult, scan
from overread.scan.drawing import bar_length_um, with_scale_bar
from overread.scan.map_tiff import map_size
from overread.scan.outputs import MAP, REGIONS, SUMMARY, TABLE, write

Field = Callable[[int, int], Image.Image]


@pytest.fixture(scope="module")
def result(patch_folder: Path, field: Field) -> ScanResult:
    """Two pieces of tissue at half the model's spacing, one of them with a hole of glass."""
    pixels = np.array(field(1403, 1001))
    pixels[400:600, 200:400] = pixels[:, 660:860] = 245
    return scan(Image.fromarray(pixels), patch_folder, 0.486)


@pytest.fixture(scope="module")
def folder(result: ScanResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the scan leaves."""
    path = tmp_path_factory.mktemp("out")
    write(result, path)
    return path


def test_regions_are_valid_polygons_of_the_patches_above_the_threshold(result: ScanResult, folder: Path) -> None:
    collection = json.loads((folder / REGIONS).read_text())
    regions = [f for f in collection["features"] if f["properties"]["name"].startswith("region")]
    shapes = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in regions]
    assert len(shapes) == len(result.regions) > 1 and all(shape.is_valid for shape in shapes)
    across, down = (axis.edges * 2 for axis in (result.grid.x, result.grid.y))
    for row, column in np.ndindex(result.log_odds.shape):
        centre = shapely.Point(across[column : column + 2].mean(), down[row : row + 2].mean())
        inside = any(shape.contains(centre) for shape in shapes)
        assert inside == bool(result.probability[row, column] >= result.operating_point.threshold)
    assert sum(region.tissue_mm2 for region in result.regions) == pytest.approx(result.burden.area_mm2)


def test_every_feature_has_what_qupath_reads(folder: Path) -> None:
    collection = json.loads((folder / REGIONS).read_text())
    assert collection["type"] == "FeatureCollection"
    assert len({feature["id"] for feature in collection["features"]}) == len(collection["features"])
    for feature in collection["features"]:
        properties = feature["properties"]
        assert feature["type"] == "Feature" and feature["geometry"]["type"] == "Polygon"
        assert properties["objectType"] == "annotation" and len(properties["classification"]["color"]) == 3
        assert all(isinstance(value, float) for value in properties["measurements"].values())
        for ring in feature["geometry"]["coordinates"]:
            assert ring[0] == ring[-1] and len(ring) >= 4


def test_the_table_has_a_line_for_every_answered_patch(result: ScanResult, folder: Path) -> None:
    with (folder / TABLE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == np.isfinite(result.log_odds).sum() < result.log_odds.size
    for row in rows[:: len(rows) // 7]:
        place = int(row["row"]), int(row["column"])
        assert float(row["log_odds"]) == pytest.approx(result.log_odds[place], abs=1e-6)
        assert float(row["x"]) == pytest.approx(result.grid.x.starts[place[1]] * 2) and float(row["width"]) == 192
        assert bool(int(row["positive"])) == bool(result.probability[place] >= result.operating_point.threshold)


def test_the_map_has_the_values_of_the_scan_at_every_pixel(result: ScanResult, folder: Path) -> None:
    with tifffile.TiffFile(folder / MAP) as file:
        assert file.is_bigtiff and file.is_ome and file.series[0].axes == "CYX" and file.pages.first.is_tiled
        assert 'PhysicalSizeX="7.776"' in (file.ome_metadata or "")
        probability, evidence = file.series[0].asarray()
    width, height = map_size(result)
    assert probability.shape == (height, width) == (63, 88)
    down, across = (np.arange(height) + 0.5) * 8, (np.arange(width) + 0.5) * 8
    np.testing.assert_array_equal(probability, result.probability_at(down, across))
    np.testing.assert_array_equal(evidence, result.evidence_at(down, across))


def test_levels_of_the_map_are_means_over_the_finer_one(
    result: ScanResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overread.scan.map_tiff.SMALLEST_LEVEL", 30)
    monkeypatch.setattr("overread.scan.map_tiff.TILE", 32)
    write(result, tmp_path)
    with tifffile.TiffFile(tmp_path / MAP) as file:
        levels = [level.asarray() for level in file.series[0].levels]
    assert [level.shape for level in levels] == [(2, 63, 88), (2, 32, 44), (2, 16, 22)]
    inside = levels[0][:, :62, :88].reshape(2, 31, 2, 44, 2)
    whole = np.isfinite(inside).all((2, 4))
    np.testing.assert_allclose(levels[1][:, :31][whole], inside.mean((2, 4))[whole], rtol=1e-5)


def test_the_summary_is_json_with_scale_area_and_interval(result: ScanResult, folder: Path) -> None:
    summary = json.loads((folder / SUMMARY).read_text())
    assert summary["um_per_px"] == [0.486, 0.486] and summary["scale_source"] == "given by the caller"
    low, high = summary["area_interval_mm2"]
    assert low <= summary["above"]["area_mm2"] <= high
    assert summary["patches"] == np.isfinite(result.log_odds).sum()
    assert [patch["rank"] for patch in summary["suspicious"]] == list(range(1, len(result.suspicious) + 1))
    assert "not a medical device" in summary["disclaimer"]


def test_images_and_suspicious_patches_are_there(result: ScanResult, folder: Path) -> None:
    shapes = {Image.open(folder / name).size for name in ("thumbnail.png", "probability.png", "evidence.png")}
    assert len(shapes) == 1
    patches = sorted(path.name for path in (folder / "suspicious").iterdir())
    assert len(patches) == 2 * len(result.suspicious) and patches[:2] == ["01-overlay.png", "01.png"]


def test_a_second_scan_into_a_folder_leaves_no_patches_of_the_first(
    result: ScanResult, patch_folder: Path, field: Field, tmp_path: Path
) -> None:
    write(result, tmp_path)
    scan(field(96, 96), patch_folder, out=tmp_path)
    assert sorted(path.name for path in (tmp_path / "suspicious").iterdir()) == ["01-overlay.png", "01.png"]


@pytest.mark.parametrize(("longest", "length"), [(1.0, 1), (4.99, 2), (5.0, 5), (99, 50), (2600, 2000)])
def test_scale_bars_have_round_lengths(longest: float, length: float) -> None:
    assert bar_length_um(longest) == length


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    marked = np.asarray(with_scale_bar(Image.new("RGB", (400, 300), (200, 100, 150)), 2.0))  # 800 um wide: a bar of 200
    black = (marked[286] == 0).all(-1)
    assert black.sum() == pytest.approx(100, abs=1)
