"""The weekly check of a live Space, against the app on loopback."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import overread
from examples import check_space
from overread.catalogue import catalogue
from overread.classifier import Classifier
from tests.support.hub_on_loopback import HubOnLoopback
from tests.support.running_app import ROOT


def test_the_same_answers_are_the_same_and_a_changed_model_is_named(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(check_space.changed_answers(address)) == []
    load = overread.load

    class Changed:
        def __init__(self, model: Classifier) -> None:
            self.model = model

        def predict(self, file: Path) -> object:
            answer = self.model.predict(file)
            return replace(answer, log_odds=answer.log_odds + 5, probability=1 - answer.probability)

    monkeypatch.setattr(overread, "load", lambda domain: Changed(load(domain)))
    changed = list(check_space.changed_answers(address))
    assert len(changed) == 12 and all(" on the Space; " in line for line in changed)


def test_a_repository_that_is_not_there_is_named(hub: HubOnLoopback, tmp_path: Path) -> None:
    code = "from examples import check_space; print(*check_space.changed_repositories('nobody'), sep='\\n')"
    environment = hub.client_environment(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [f"nobody/{name}" in line for name, line in zip(catalogue(), done.stdout.splitlines(), strict=True)]
