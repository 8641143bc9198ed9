import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from overread.scan import command, plan
from overread.scan.models import scan_model

Field = Callable[[int, int], Image.Image]


@pytest.fixture
def arguments(
    patch_folder: Path, field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., argparse.Namespace]:
    """Parse arguments after ``SLIDE --model ... --out ...``, with the tiny model under the name "tiny"."""
    field(400, 300).save(tmp_path / "field.png")
    monkeypatch.setattr(plan, "scan_model", lambda name, threads: scan_model({"tiny": patch_folder}[name], threads))
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)

    def parse(*more: str) -> argparse.Namespace:
        return parser.parse_args(
            [str(tmp_path / "field.png"), "--model", "tiny", "--out", str(tmp_path / "out"), "--mpp", "0.972", *more]
        )

    return parse


def test_the_command_writes_the_folder_and_a_summary(
    arguments: Callable[..., argparse.Namespace], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(arguments()) == 0
    printed = capsys.readouterr()
    assert "400 x 300 px at 0.972 µm/px (given by the caller)" in printed.err and "exact" in printed.err
    assert "mm²" in printed.out and "threshold for redness" in printed.out
    assert (tmp_path / "out" / "scan.json").is_file()


def test_json_is_the_only_thing_on_stdout(
    arguments: Callable[..., argparse.Namespace], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(arguments("--json", "--dense", "--stride", "48")) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["engine"] == "dense" and summary["stride_px"] == 48
    assert any("nobody has measured" in note for note in summary["notes"])


def test_interrupting_keeps_what_is_done_and_says_how_to_go_on(
    arguments: Callable[..., argparse.Namespace],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("overread.scan.exact.ExactEngine.answer", interrupted)
        assert command.run(arguments()) == command.EXIT_STOPPED
    assert "goes on from there" in capsys.readouterr().err and (tmp_path / "out" / "checkpoint").is_dir()
    assert command.run(arguments()) == 0


def test_exact_and_dense_exclude_each_other(arguments: Callable[..., argparse.Namespace]) -> None:
    with pytest.raises(SystemExit):
        arguments("--exact", "--dense")
