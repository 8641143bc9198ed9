from benchmarks.inference import TABLE, read_run
from benchmarks.inference_table import Row, Run, render
from overread.catalogue import catalogue


def test_the_table_is_rendered_from_the_recorded_run() -> None:
    assert TABLE.read_text(encoding="utf-8") == render(read_run())


def test_the_recorded_run_has_every_model_with_one_and_two_threads() -> None:
    rows = [(row.model, row.threads) for row in read_run().rows]
    assert sorted(rows) == sorted((name, threads) for name in catalogue() for threads in (1, 2))


def test_peers_are_shown_with_their_ratio_and_an_ensemble_has_none() -> None:
    rows = (Row("net", 1, 10.0, 8.0, 7.0, 3.5, 14.0, 35.04, 40.0), Row("ensemble", 1, 40.0, 32.0))
    table = render(Run("x86_64", 2, {"torch": "2.13.0"}, 20, rows))
    to_map, to_overlay = table.split("## From bytes to overlay")
    assert "| net | 1 | 7.0 | 35.0 (5.01x) | 3.5 (0.50x) | 14.0 (2.00x) |" in to_map and "ensemble" not in to_map
    assert "| net | 1 | 10.0 | 8.0 (path: 1.25x) | 40.0 (4.00x) |" in to_overlay
    assert "| ensemble | 1 | 40.0 | 32.0 (path: 1.25x) |  |" in to_overlay
