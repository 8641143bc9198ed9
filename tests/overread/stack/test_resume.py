import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from overread.classifier import Classifier
from overread.cli import main

COLOURS = ("red", "blue", "green")


@pytest.fixture(autouse=True)
def answered(tiny: Classifier, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tiny model answers for every model; the names of the files that it is asked about."""
    names: list[str] = []

    class Spy:
        config, identity = tiny.config, tiny.identity

        def predict(self, source: Path, *arguments: object, **options: object) -> object:
            names.append(source.name)
            return tiny.predict(source, *arguments, **options)

    monkeypatch.setattr("overread.stack.command.load", lambda name: Spy())
    return names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "images"
    found.mkdir()
    for name in COLOURS:
        Image.new("RGB", (96, 96), name).save(found / f"{name}.png")
    return found


@pytest.fixture
def run(folder: Path) -> Callable[..., int]:
    def run_again(*more: str) -> int:
        files = ("--csv", str(folder.parent / "a.csv"), "--jsonl", str(folder.parent / "a.jsonl"))
        return main(["predict", str(folder), "--model", "pcam-resnet18", *files, "--resume", *more])

    return run_again


def rows(folder: Path) -> list[str]:
    with (folder.parent / "a.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (folder.parent / "a.jsonl").read_text().splitlines()]
    assert [row["file"] for row in table] == [line["image"] for line in lines]
    assert [row["image_sha256"] for row in table] == [line["image_sha256"] for line in lines]
    return [Path(row["file"]).name for row in table]


def test_a_second_run_reads_nothing_again(run: Callable[..., int], folder: Path, answered: list[str]) -> None:
    assert run() == run() == 0
    assert rows(folder) == answered == ["blue.png", "green.png", "red.png"]


def test_a_run_that_was_cut_off_goes_on_and_doubles_nothing(
    run: Callable[..., int], folder: Path, answered: list[str]
) -> None:
    run()
    whole = {name: (folder.parent / name).read_bytes() for name in ("a.csv", "a.jsonl")}
    (folder.parent / "a.csv").write_bytes(whole["a.csv"][:-5])  # the last row is cut off
    (folder.parent / "a.jsonl").write_bytes(b"".join(whole["a.jsonl"].splitlines(True)[:1]))  # two rows are missing
    answered.clear()
    assert run() == 0
    assert answered == ["green.png", "red.png"]
    assert rows(folder) == ["blue.png", "green.png", "red.png"]
    assert (folder.parent / "a.csv").read_bytes() == whole["a.csv"]


def test_a_changed_file_is_read_again_and_replaces_its_row(
    run: Callable[..., int], folder: Path, answered: list[str]
) -> None:
    run()
    Image.new("RGB", (96, 96), "black").save(folder / "blue.png")
    Image.new("RGB", (96, 96), "white").save(folder / "new.png")
    answered.clear()
    run()
    assert answered == ["blue.png", "new.png"]
    assert rows(folder) == ["green.png", "red.png", "blue.png", "new.png"]


def test_errors_are_not_tried_again_and_still_decide_the_exit_code(
    run: Callable[..., int], folder: Path, answered: list[str]
) -> None:
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    assert run() == run() == 2
    assert answered.count("bad.png") == 1


def test_answers_of_another_model_or_operating_point_are_not_mixed(
    run: Callable[..., int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    before = (folder.parent / "a.csv").read_bytes()
    assert run("--operating-point", "rule-in") == 2
    assert "another model or operating point" in capsys.readouterr().err
    assert (folder.parent / "a.csv").read_bytes() == before


def test_a_file_that_this_command_did_not_write_stays_as_it_is(
    run: Callable[..., int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder.parent / "a.csv").write_text("name,age\r\nx,1\r\n")
    assert run() == 2
    assert "was not written by this command" in capsys.readouterr().err
    assert (folder.parent / "a.csv").read_text().startswith("name,age")


def test_resume_needs_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(folder), "--model", "pcam-resnet18", "--resume"]) == 2
    assert "--csv FILE or --jsonl FILE" in capsys.readouterr().err
