"""The ``overread`` command as a whole; each of its commands has tests of its own."""

from importlib import metadata

import pytest

from overread.catalogue import catalogue, resolve
from overread.cli import main
from tests.support.shell import overread


def test_the_help_documents_the_exit_codes() -> None:
    for arguments in (["--help"], ["predict", "--help"]):
        text = overread(*arguments).stdout
        assert "exit codes:" in text and "0  every image was answered" in text and "2  wrong usage" in text


def test_wrong_usage_ends_with_code_2() -> None:
    assert overread("predict").returncode == 2
    assert overread("guess").returncode == 2


def test_the_version_is_that_of_the_installed_package() -> None:
    assert overread("--version").stdout == f"overread {metadata.version('overread')}\n"


def test_models_lists_names_domains_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[1]) for line in lines] == [(name, model.domain) for name, model in catalogue().items()]
    defaults = [line[0] for line in lines if line[2] == "(default)"]
    assert defaults == [resolve(domain).name for domain in ("histopathology", "chest-xray")]
    assert all(model.summary in " ".join(line) for line, model in zip(lines, catalogue().values(), strict=True))
