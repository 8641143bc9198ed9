from benchmarks.inference import TABLE, Row, Run, read_run, render
from overread.catalogue import catalogue


def test_the_table_is_rendered_from_the_recorded_run() -> None:
    assert TABLE.read_text(encoding="utf-8") == render(read_run())


def test_the_recorded_run_has_every_model_with_one_and_two_threads() -> None:
    rows = [(row.model, row.threads) for row in read_run().rows]
    assert sorted(rows) == sorted((name, threads) for name in catalogue() for threads in (1, 2))


def test_peers_are_shown_with_their_ratio_and_an_ensemble_has_none() -> None:
    rows = (Row("net", 1, 10.0, 8.0, 5.0, 20.0, 30.04), Row("ensemble", 1, 40.0, 39.0))
    table = render(Run("x86_64", 2, {"torch": "2.13.0"}, 20, rows))
    assert "| net | 1 | 10.0 | 8.0 | 5.0 (0.50x) | 20.0 (2.00x) | 30.0 (3.00x) |" in table
    assert "| ensemble | 1 | 40.0 | 39.0 |  |  |  |" in table
