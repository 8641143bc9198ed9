"""overread/session.py: how many threads one inference gets, here and on AWS Lambda."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from overread.errors import ModelFolderError
from overread.session import OnFirstUse, OnnxSession, default_threads


@pytest.fixture(autouse=True)
def six_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    monkeypatch.delenv("OVERREAD_THREADS", raising=False)
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", raising=False)


@pytest.mark.parametrize(("cpus", "expected"), [(1, 1), (3, 3), (4, 4), (64, 4)])
def test_one_thread_per_cpu_and_at_most_four(monkeypatch: pytest.MonkeyPatch, cpus: int, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cpus)))
    assert default_threads() == expected


@pytest.mark.parametrize(
    ("memory", "expected"), [("128", 1), ("1768", 1), ("1769", 1), ("3537", 1), ("3538", 2), ("10240", 5)]
)
def test_on_lambda_one_thread_per_whole_vcpu(monkeypatch: pytest.MonkeyPatch, memory: str, expected: int) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
    assert default_threads() == expected


def test_on_lambda_never_more_threads_than_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "10240")
    assert default_threads() == 2


@pytest.mark.parametrize("memory", ["", "1769"])
def test_the_owner_can_decide_everywhere(monkeypatch: pytest.MonkeyPatch, memory: str) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
    monkeypatch.setenv("OVERREAD_THREADS", "3")
    assert default_threads() == 3


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_number_of_threads_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OVERREAD_THREADS", value)
    with pytest.raises(ModelFolderError, match="OVERREAD_THREADS must be a positive whole number"):
        default_threads()


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not ONNX")
    with pytest.raises(ModelFolderError, match=r"model\.onnx cannot be loaded"):
        OnnxSession(tmp_path / "model.onnx", threads=1)


def test_a_lazy_session_is_opened_at_its_first_run(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    session = OnnxSession(tmp_path / "model.onnx", threads=1, lazy=True)
    with pytest.raises(ModelFolderError, match=r"model\.onnx cannot be loaded"):
        session.run(np.zeros((1, 3, 8, 8), np.float32))


def test_what_is_made_on_first_use_is_made_once_for_all_threads() -> None:
    made: list[int] = []
    both = threading.Barrier(2)

    def make() -> int:
        made.append(len(made))
        return len(made)

    wanted = OnFirstUse(make)

    def ask(_: int) -> int:
        both.wait(10)
        return wanted()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, range(2))) == [1, 1]
    assert made == [0]
