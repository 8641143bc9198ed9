import json
from pathlib import Path

import pytest
from PIL import Image

from overread.classifier import Classifier
from overread.cli import main

GOOD = ["--model", "pcam-resnet18"]


@pytest.fixture(autouse=True)
def tiny_answers_for_every_model(monkeypatch: pytest.MonkeyPatch, tiny: Classifier) -> None:
    monkeypatch.setattr("overread.load", lambda name: tiny)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name, colour in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (96, 96), colour).save(tmp_path / f"{name}.png")
    return tmp_path


def test_one_picture_prints_one_line(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(pictures / "a.png"), *GOOD]) == 0
    assert capsys.readouterr().out.startswith(f"{pictures / 'a.png'}: red (probability of redness 0.9")


def test_a_folder_prints_one_json_object_a_picture(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(pictures), *GOOD, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(Path(line["image"]).name, line["decision"]) for line in lines] == [("a.png", "red"), ("b.png", "clear")]


def test_overlays_of_one_and_of_several_pictures(pictures: Path, tmp_path: Path) -> None:
    main(["predict", str(pictures / "a.png"), *GOOD, "--overlay", str(tmp_path / "one.webp")])
    assert Image.open(tmp_path / "one.webp").size == (448, 448)
    main(["predict", str(pictures / "a.png"), str(pictures / "b.png"), *GOOD, "--overlay", str(tmp_path / "out")])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-overlay.png", "b-overlay.png"]


def test_a_bad_picture_is_one_line_on_stderr_and_the_others_are_answered(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "a.png").write_bytes(b"")
    assert main(["predict", str(pictures), *GOOD]) == 2
    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if "image/s" not in line and line.strip()]
    assert errors == [f"{pictures / 'a.png'}: The file is empty: send a picture."]
    assert len(captured.out.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.png"], "no file 'nowhere.png'"),
        (["{pictures}", "--operating-point", "x"], "no operating point 'x'"),
        (["{pictures}/a.png", "--overlay", "{pictures}/missing/x.png"], "cannot be saved"),
        (["{pictures}/a.png", "--overlay", "{pictures}/x.docx"], "cannot be saved"),
    ],
)
def test_bad_arguments_end_with_code_2_and_one_line(
    arguments: list[str], words: str, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", *[a.format(pictures=pictures) for a in arguments], *GOOD]) == 2
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error


def test_an_empty_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(tmp_path), *GOOD]) == 2
    assert "no picture in the folder" in capsys.readouterr().err


def test_list_names_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert "chest-xray-xception" in capsys.readouterr().out.split()
