"""Speeds, memory and prices in the documentation and the README are those that the benchmarks wrote."""

import json
from pathlib import Path
from typing import Any

from benchmarks.score_table import CPUS, PATCHES, PRICE_HOUR, SLIDES, slide_megapixels

ROOT = Path(__file__).parents[2]


def written(file: str) -> Any:
    return json.loads((ROOT / file).read_text(encoding="utf-8"))


def page(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def test_the_page_on_scanning_has_the_measured_speeds_and_memory() -> None:
    measured, text = written("benchmarks/scan.json"), page("docs/scanning.md")
    one, two = measured["speed"]["rows"]
    for title, row in (("megapixels of tissue per second, one thread", one), ("two threads", two)):
        speeds = " | ".join(f"{row[f'{engine}_mp_per_s']:.3f}" for engine in ("exact", "dense", "torch"))
        assert f"| {title} | {speeds} |" in text
        assert f"{row['dense_over_torch']:.0f} times as fast as torch eager" in text
    exact, dense = measured["memory"]["rows"]
    assert f"| {exact['peak_mb']:.0f} MB | {dense['peak_mb']:.0f} MB |" in text
    paces = [row["seconds_per_megapixel"] for row in measured["growth"]["rows"]]
    assert f"{min(paces):.1f} to {max(paces):.1f} s per megapixel" in text


def test_the_page_on_scale_has_the_measured_rates_and_their_prices() -> None:
    measured, text = written("benchmarks/score.json"), page("docs/scale.md")
    for run in measured["engines"]:
        hours = PATCHES / run["rows_per_second"] / 3600
        price = hours * PRICE_HOUR * run["workers"] / CPUS
        cells = f"{run['rows_per_second']:.1f} | {run['start_seconds']:.1f} s | {hours:.1f} h, {price:.2f} USD"
        assert f"| {cells} |" in text
    hours = SLIDES * slide_megapixels() * measured["scan"]["seconds"] / measured["scan"]["megapixels"] / 3600
    assert f"{hours:.0f} h of one CPU, {hours * PRICE_HOUR / CPUS:.0f} USD" in text


def test_the_readme_has_the_minutes_of_the_longest_training_of_the_labels_curve() -> None:
    points = written("models/pcam-efficientnet-lite0/labels_curve.json")["points"]
    assert f"at most {max(point['cpu_minutes'] for point in points):.1f} minutes of one core" in page("README.md")
