"""The command on images that the model's guard refuses."""

import csv
import json
import shutil
from pathlib import Path

import pytest

import overread
from overread.catalogue import MODELS_FOLDER
from overread.classifier import Classifier
from overread.cli import main
from overread.model_folder import GUARD_FILE
from tests.support.landscape import landscape
from tests.support.tiny_model import write_tiny_model

FILM = Path(__file__).parents[3] / "examples" / "chest-xray" / "person1_virus_6.jpeg"
MODEL = ["--model", "chest-xray"]
REASON = "This looks like a colour photograph, not a frontal chest film."


@pytest.fixture(autouse=True)
def a_guarded_model_answers(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tiny_model(tmp_path_factory.mktemp("weights") / "tiny")
    shutil.copy(MODELS_FOLDER / overread.names("chest-xray")[0] / GUARD_FILE, folder)
    guarded = Classifier(folder, threads=1)
    monkeypatch.setattr("overread.stack.command.load", lambda name: guarded)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    landscape().save(file)
    return file


def test_a_refused_image_is_one_line_with_the_reason_and_the_code_is_3(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(photo), *MODEL]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (f"{photo}: {REASON} No answer was given: answer_anyway gets one, with this warning.\n")


def test_the_other_images_are_answered(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(photo), str(FILM), *MODEL]) == 3
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{FILM}: ") and len(captured.out.splitlines()) == 1


def test_an_unreadable_image_among_refused_ones_counts_more(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    assert main(["predict", str(photo), str(tmp_path / "empty.png"), *MODEL]) == 2


def test_answer_anyway_answers_with_the_warning(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(photo), *MODEL, "--answer-anyway"]) == 0
    captured = capsys.readouterr()
    assert f"note: {REASON} Answered anyway, as requested: the answer may mean nothing." in captured.out
    assert captured.err == ""


def test_json_and_csv_hold_guard_and_reading(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "answers.csv"
    both = ["predict", str(photo), str(FILM), *MODEL, "--json", "--csv", str(table)]
    assert main([*both, "--answer-anyway"]) == 0
    refused, accepted = map(json.loads, capsys.readouterr().out.splitlines())
    assert (refused["guard"]["outcome"], refused["guard"]["code"]) == ("refused", "colour")
    assert accepted["guard"]["outcome"] == "accepted"
    with table.open(newline="") as file:
        assert [(row["guard"], row["reading"], row["error"]) for row in csv.DictReader(file)] == [
            ("refused", refused["reading"]["text"], ""),
            ("accepted", accepted["reading"]["text"], ""),
        ]
    assert main(both) == 3
    with table.open(newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["guard"], first["reading"]) == ("refused", "") and first["error"].startswith(REASON)


def test_the_help_documents_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    text = capsys.readouterr().out
    assert "3  every image could be read, but" in text and "--answer-anyway" in text
