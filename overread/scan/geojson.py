"""Regions and suspicious patches as GeoJSON that QuPath opens (drag the file onto the slide)."""

import uuid
from collections.abc import Iterable
from typing import Any

from overread.heatmap_drawing import FOR_FINDING
from overread.scan.result import ScanResult

Ring = Iterable[tuple[float, float]]  # closed: the first point is the last one too
_NAMESPACE = uuid.UUID("6c1f5f0e-7f0b-4a53-9d0c-3a1c6a1f4c55")  # the same scan writes the same ids


def feature_collection(result: ScanResult) -> dict[str, Any]:
    """Return a FeatureCollection in pixels of the slide's full resolution, y downwards, as QuPath expects.

    Each feature has QuPath's properties: ``objectType``, ``name``, ``classification`` and ``measurements``.
    """
    features = [
        _feature(
            [region.polygon.exterior.coords, *(hole.coords for hole in region.polygon.interiors)],
            f"region {number}",
            result.finding,
            {
                "Tissue mm^2": region.tissue_mm2,
                "Mean probability": region.mean_probability,
                "Largest probability": region.largest_probability,
                "Threshold": result.operating_point.threshold,
            },
            f"{result.name}/{result.model.sha256}/region/{number}",
        )
        for number, region in enumerate(result.regions, 1)
    ]
    features += [
        _feature(
            [_corners(*patch.box)],
            f"suspicious patch {patch.rank}",
            "suspicious patch",
            {"Rank": float(patch.rank), "Probability": patch.prediction.probability},
            f"{result.name}/{result.model.sha256}/patch/{patch.rank}",
        )
        for patch in result.suspicious
    ]
    return {"type": "FeatureCollection", "features": features}


def _corners(left: float, top: float, right: float, bottom: float) -> Ring:
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]


def _feature(rings: Iterable[Ring], name: str, kind: str, measurements: dict[str, float], key: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(_NAMESPACE, key)),
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[round(x, 2), round(y, 2)] for x, y in ring] for ring in rings],
        },
        "properties": {
            "objectType": "annotation",
            "name": name,
            "classification": {"name": kind, "color": list(FOR_FINDING)},
            "measurements": {title: round(value, 6) for title, value in measurements.items()},
        },
    }
