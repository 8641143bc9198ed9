"""A scan's result as one sentence, for shell, page, API and MCP alike."""

from overread.scan.result import ScanResult


def headline(result: ScanResult) -> str:
    """Return how much of the tissue is at or above the threshold, and the area's interval over the thresholds."""
    low, high = result.area_interval_mm2
    burden = result.burden
    return (
        f"{burden.area_mm2:.3f} mm² ({100 * burden.share:.1f} % of the tissue) at or above the "
        f"{burden.operating_point} threshold for {result.finding}; {low:.3f} to {high:.3f} mm² between the strictest "
        "and the most lenient threshold"
    )
