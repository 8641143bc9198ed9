"""The measurements of score.py as Markdown, with what 1 million patches and 1,000 slides take and cost."""

from typing import Any

# An hour of a machine of two CPUs, in US dollars: AWS EC2 m7g.large, on demand, US East, June 2026. An assumption that
# `--price-hour` replaces; see docs/scale.md.
PRICE_HOUR = 0.0816
PATCHES = 1_000_000
SLIDES = 1_000
SLIDE_MM2 = 150  # of tissue on a slide: an assumption, see docs/scale.md
UM_PER_PX = 0.972
CPUS = 2  # of the machine whose price is taken


def slide_megapixels(tissue_mm2: float = SLIDE_MM2) -> float:
    """Return the megapixels of a slide's tissue at the model's scale."""
    return tissue_mm2 / UM_PER_PX**2


def render(measured: dict[str, Any], price_hour: float = PRICE_HOUR) -> str:
    """Return the table; prices are hours times the price of an hour."""
    alone = measured["predict_per_second"]
    lines = [
        "# Rows per second of `overread score`",
        "",
        f"{measured['model']}, {measured['machine']}; patches of 96 px as PNG in Parquet, {measured['rows'][0]} and "
        f"{measured['rows'][1]} rows. One thread that only predicts answers {alone:.1f} a second. All engines gave "
        f"{'the same rows, bit for bit' if measured['same_rows'] else 'DIFFERENT ROWS'}. Written by "
        "`python -m benchmarks.score`.",
        "",
        "| Engine | Workers | Rows per second | Overhead per worker | Start | 1 million patches | Price |",
        "|---|---|---|---|---|---|---|",
    ]
    for run in measured["engines"]:
        rate = run["rows_per_second"]
        hours = PATCHES / rate / 3600
        overhead = 1 - rate / run["workers"] / alone
        price = hours * price_hour * run["workers"] / CPUS
        lines.append(
            f"| {run['engine']} | {run['workers']} | {rate:.1f} | {100 * overhead:.0f} % "
            f"| {run['start_seconds']:.1f} s | {hours:.1f} h | {price:.2f} USD |"
        )
    scan = measured["scan"]
    speed = scan["megapixels"] / scan["seconds"]
    hours = SLIDES * slide_megapixels() / speed / 3600
    lines += [
        "",
        f"A field of {scan['megapixels']:.1f} megapixels was scanned by one process in {scan['seconds']:.0f} s beyond "
        f"its start: {speed:.3f} megapixels a second. 1,000 slides of {SLIDE_MM2} mm² of tissue each, "
        f"{slide_megapixels():.0f} megapixels, would take {hours:.0f} hours of one CPU and "
        f"{hours * price_hour / CPUS:.0f} USD.",
        "",
        f"Prices: hours x {price_hour} USD for {CPUS} CPUs; the overhead of a worker includes what two workers take "
        "from each other. See [docs/scale.md](../docs/scale.md).",
    ]
    return "\n".join(lines) + "\n"
