"""The measurements of lambda_cold_start.py as a Markdown table, with the cost of the calls."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MEMORY_MB = 1769  # one vCPU
# US dollars, AWS Lambda pricing, US East, x86: per GB-second and per request.
PRICE_GB_SECOND, PRICE_REQUEST = 0.0000166667, 0.0000002


@dataclass(frozen=True)
class Warm:
    """Milliseconds of one model's warm calls: in the handler, and as billed."""

    handler: list[float]
    billed: list[float]


@dataclass(frozen=True)
class Measured:
    """The measurements of one package; cold starts in seconds, memory in bytes."""

    cold_cached: list[float]
    cold_from_disk: list[float]
    warm: dict[str, Warm]
    peak_memory: int
    peak_memory_largest: int | None
    package_bytes: int


def table(ours: Measured, peer: Measured | None) -> str:
    """Return the measurements as Markdown, one column per package; the peer has no ensembles."""
    columns = [ours] + ([peer] if peer else [])
    rows = [["", "Overread", "torch in the package"][: len(columns) + 1], ["---"] * (len(columns) + 1)]

    def row(title: str, *cells: str) -> None:
        rows.append([title, *cells])

    def of_each(show: Callable[[Warm], str], name: str) -> list[str]:
        return [show(m.warm[name]) if name in m.warm else "" for m in columns]

    row("package, unzipped", *(f"{m.package_bytes / 2**20:.0f} MB" for m in columns))
    for title, which in (("files in the page cache", "cold_cached"), ("from disk", "cold_from_disk")):
        spans = [getattr(m, which) for m in columns]
        row(
            f"cold: process start to first answer, {title}",
            *(f"{np.median(span):.2f} s ({min(span):.2f} to {max(span):.2f})" for span in spans),
        )
    for name in ours.warm:
        row(f"warm {name}, in the handler, p50 and p95", *of_each(_percentiles, name))
    row("peak memory of these calls", *(f"{m.peak_memory / 2**20:.0f} MB" for m in columns))
    if ours.peak_memory_largest:
        largest = [f"{ours.peak_memory_largest / 2**20:.0f} MB", *(["not measured"] if peer else [])]
        row("peak memory with the largest picture that is accepted (64 megapixels, 16 bits)", *largest)
    for name in ours.warm:
        row(f"1,000 pictures to {name}, warm", *of_each(_cost, name))
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def _percentiles(warm: Warm) -> str:
    p50, p95 = np.percentile(warm.handler, (50, 95))
    return f"{p50:.1f} ms, {p95:.1f} ms"


def _cost(warm: Warm) -> str:
    seconds = float(np.mean(warm.billed)) / 1000
    return f"{1000 * (seconds * MEMORY_MB / 1024 * PRICE_GB_SECOND + PRICE_REQUEST):.4f} USD"
