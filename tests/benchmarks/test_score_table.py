import pytest

from benchmarks.score_table import render, slide_megapixels

MEASURED = {
    "model": "net",
    "machine": "x86_64, 2 CPUs",
    "rows": [400, 1200],
    "predict_per_second": 50.0,
    "engines": [
        {"engine": "local", "workers": 1, "rows_per_second": 40.0, "start_seconds": 2.0},
        {"engine": "ray", "workers": 2, "rows_per_second": 100.0, "start_seconds": 9.5},
    ],
    "same_rows": True,
    "scan": {"megapixels": 1.0, "seconds": 10.0},
}


def test_hours_and_prices_follow_from_the_rate() -> None:
    table = render(MEASURED, price_hour=0.36)
    # 1,000,000 / 40 / 3600 = 6.94 h of one of two CPUs at 0.18 USD an hour; 1,000,000 / 100 / 3600 = 2.78 h of both
    assert "| local | 1 | 40.0 | 20 % | 2.0 s | 6.9 h | 1.25 USD |" in table
    assert "| ray | 2 | 100.0 | 0 % | 9.5 s | 2.8 h | 1.00 USD |" in table
    assert "the same rows, bit for bit" in table and "DIFFERENT" not in table


def test_slides_are_priced_by_their_tissue() -> None:
    assert slide_megapixels(0.972**2) == pytest.approx(1.0)
    assert f"{1000 * slide_megapixels() / 0.1 / 3600:.0f} hours of one CPU" in render(MEASURED)


def test_different_rows_are_said_aloud() -> None:
    assert "DIFFERENT ROWS" in render({**MEASURED, "same_rows": False})
