"""overread_lambda/threads.py: threads follow the share of vCPUs that the function's memory buys."""

import os

import pytest
from overread_lambda.threads import threads


@pytest.mark.parametrize(
    ("memory", "expected"), [("128", 1), ("1768", 1), ("1769", 1), ("3537", 1), ("3538", 2), ("10240", 5)]
)
def test_one_thread_per_whole_vcpu(monkeypatch: pytest.MonkeyPatch, memory: str, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)))
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
    assert threads() == expected


def test_never_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "10240")
    assert threads() == 2


def test_one_thread_where_the_memory_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    assert threads() == 1


def test_the_owner_can_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERREAD_THREADS", "3")
    assert threads() is None
