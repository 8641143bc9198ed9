"""The Ray engine on a cluster of two workers on this machine; skipped where ray is not installed."""

import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.support.patch_table import write_patch_table
from tests.support.score_run import command, score, table_of

pytest.importorskip("ray", reason="needs overread[ray]")

ROWS = 72
OPTIONS = ("--processes", "2", "--part-rows", "3", "--keep", "name")


def test_a_killed_actor_loses_and_doubles_nothing_and_rows_are_those_of_the_local_engine(tmp_path: Path) -> None:
    table = write_patch_table(tmp_path / "test.parquet", ROWS)
    with_ray, local = tmp_path / "ray", tmp_path / "local"
    running = subprocess.Popen(
        command(table, with_ray, "--engine", "ray", *OPTIONS),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    victim = first_actor(running, with_ray)
    victim.send_signal(signal.SIGKILL)
    parts_at_death = len(list(with_ray.glob("*.parquet")))
    printed, errors = running.communicate(timeout=300)
    assert running.returncode == 2, errors  # two rows of the table hold no picture
    assert parts_at_death < ROWS // 3, "the actor died after the work was done"
    assert f"{ROWS} rows, {ROWS - 2} answered, 0 refused, 2 unreadable, 0 failed" in printed
    assert score(table, local, *OPTIONS).returncode == 2
    assert table_of(with_ray).equals(table_of(local))
    assert sorted(path.name for path in with_ray.iterdir()) == sorted(path.name for path in local.iterdir())


def first_actor(driver: subprocess.Popen[str], out: Path) -> psutil.Process:
    """Return one of the processes that answer, as soon as the first part is written."""
    end = time.monotonic() + 120
    while driver.poll() is None and time.monotonic() < end:
        if any(out.glob("*.parquet")):
            for process in psutil.Process(driver.pid).children(recursive=True):
                if "MapWorker" in " ".join(process.cmdline()):
                    return process
        time.sleep(0.02)
    raise AssertionError(f"no actor was found: {driver.communicate(timeout=10)}")
