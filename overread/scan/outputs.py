"""The files that a scan leaves in its folder."""

import json
from pathlib import Path

from overread.scan.drawing import evidence_overlay, probability_overlay, thumbnail
from overread.scan.geojson import feature_collection
from overread.scan.map_tiff import write_map
from overread.scan.patch_table import write_patches
from overread.scan.result import ScanResult

SUMMARY, TABLE, REGIONS, MAP = "scan.json", "patches.csv", "regions.geojson", "map.ome.tif"
SUSPICIOUS_FOLDER = "suspicious"


def write(result: ScanResult, folder: Path) -> None:
    """Write summary, table, regions, map, images and the most suspicious patches; the summary comes last."""
    patches = folder / SUSPICIOUS_FOLDER
    patches.mkdir(parents=True, exist_ok=True)
    for left_over in patches.glob("[0-9][0-9]*.png"):
        left_over.unlink()  # of an earlier scan into the same folder
    for patch in result.suspicious:
        patch.prediction.picture.save(patches / f"{patch.rank:02}.png")
        patch.prediction.overlay.save(patches / f"{patch.rank:02}-overlay.png")
    write_patches(result, folder / TABLE)
    (folder / REGIONS).write_text(json.dumps(feature_collection(result)) + "\n", encoding="utf-8")
    write_map(result, folder / MAP)
    thumbnail(result).save(folder / "thumbnail.png")
    probability_overlay(result).save(folder / "probability.png")
    evidence_overlay(result).save(folder / "evidence.png")
    (folder / SUMMARY).write_text(json.dumps(result.to_json(), indent=1) + "\n", encoding="utf-8")
