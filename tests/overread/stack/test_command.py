"""``overread predict``: what it prints and writes of images, folders and bad input."""

import csv
import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from overread.classifier import UNGUARDED, Classifier
from overread.cli import main
from overread.errors import ModelFolderError
from overread.stack.outcome import CSV_COLUMNS
from tests.support.dicom_file import dicom
from tests.support.landscape import landscape
from tests.support.shell import ROOT, overread

GOOD = ["--model", "pcam-resnet18"]


@pytest.fixture(autouse=True)
def tiny_answers_for_every_model(monkeypatch: pytest.MonkeyPatch, tiny: Classifier) -> None:
    monkeypatch.setattr("overread.stack.command.load", lambda name: tiny)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name, colour in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (96, 96), colour).save(tmp_path / f"{name}.png")
    return tmp_path


def names_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_one_image_prints_one_line(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(images / "a.png"), *GOOD]) == 0
    assert capsys.readouterr().out.startswith(f"{images / 'a.png'}: redness (probability of redness 0.9")


def test_a_folder_prints_one_json_object_per_image(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(images), *GOOD, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(Path(line["image"]).name, line["decision"]) for line in lines] == [("a.png", "red"), ("b.png", "clear")]
    assert np.shape(lines[0]["heatmap"]["values"]) == (12, 12)


def test_the_grid_can_be_left_out_of_the_json(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(images / "a.png"), *GOOD, "--json", "--no-heatmap"]) == 0
    assert json.loads(capsys.readouterr().out)["heatmap"].keys() == {"shape", "unit", "bias"}


def test_one_image_is_read_from_standard_input(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (images / "a.png").read_bytes()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    assert main(["predict", "-", *GOOD, "--overlay", f"{tmp_path}/out/"]) == 0
    assert capsys.readouterr().out.startswith("-: redness")
    assert names_below(tmp_path / "out") == ["stdin-overlay.png"]
    assert main(["predict", "-", "-", *GOOD]) == 2
    assert "name it once" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["chest-xray", "histopathology", "pcam-resnet18"])
def test_the_model_is_named_by_itself_or_by_its_domain(
    name: str, images: Path, monkeypatch: pytest.MonkeyPatch, tiny: Classifier
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr("overread.stack.command.load", lambda name: loaded.append(name) or tiny)
    assert main(["predict", str(images / "a.png"), "--model", name]) == 0
    assert loaded == [name]


# Overlays


def test_the_overlay_of_one_image_is_the_named_file(images: Path, tmp_path: Path) -> None:
    assert main(["predict", str(images / "a.png"), *GOOD, "--overlay", str(tmp_path / "one.webp")]) == 0
    assert Image.open(tmp_path / "one.webp").size == (448, 448)


@pytest.mark.parametrize("target", ["new/", "existing", "existing/"])
def test_the_overlay_of_one_image_goes_into_a_folder(target: str, images: Path, tmp_path: Path) -> None:
    (tmp_path / "existing").mkdir()
    assert main(["predict", str(images / "a.png"), *GOOD, "--overlay", f"{tmp_path}/{target}"]) == 0
    assert names_below(tmp_path / target) == ["a-overlay.png"]


def test_overlays_of_several_images_go_into_a_folder(images: Path, tmp_path: Path) -> None:
    assert main(["predict", *map(str, images.glob("*.png")), *GOOD, "--overlay", str(tmp_path / "out")]) == 0
    assert names_below(tmp_path / "out") == ["a-overlay.png", "b-overlay.png"]


def test_images_of_one_name_do_not_overwrite_each_others_overlay(images: Path, tmp_path: Path) -> None:
    for folder, colour in (("x", "red"), ("y/z", "blue")):
        (images / folder).mkdir(parents=True)
        for name in ("film.png", "film.jpg"):
            Image.new("RGB", (96, 96), colour).save(images / folder / name)
    out = tmp_path / "out"
    assert main(["predict", str(images / "x"), str(images / "y" / "z" / "film.png"), *GOOD, "--overlay", str(out)]) == 0
    assert names_below(out) == ["x/film-overlay.png", "x/film.png-overlay.png", "y/z/film-overlay.png"]
    shown = [
        np.asarray(Image.open(out / name))[0, 0].argmax() for name in ("x/film-overlay.png", "y/z/film-overlay.png")
    ]
    assert shown == [0, 2]  # red, blue


# Folders


def test_folders_are_read_by_content_and_skipped_files_are_named(
    images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    red = Image.new("RGB", (96, 96), "red")
    red.save(images / "c.jpe", "JPEG")
    red.save(images / "no-suffix", "PNG")
    (images / "IM0001").write_bytes(dicom(np.zeros((96, 96), np.uint16)))
    (images / "notes.txt").write_text("see the report")
    red.save(images / "slide.svs", "TIFF")
    (images / "big.tif").write_bytes(b"II\x2b\0\x08\0\0\0" + bytes(100))
    (images / ".hidden").write_text("x")
    assert main(["predict", str(images), *GOOD]) == 0
    captured = capsys.readouterr()
    answered = {Path(line.split(": ")[0]).name for line in captured.out.splitlines() if not line.startswith("  note")}
    assert answered == {"a.png", "b.png", "c.jpe", "no-suffix", "IM0001"}
    skipped = dict(line.split(": skipped, ") for line in captured.err.splitlines())
    slide = "a whole-slide image: scan it with `overread scan`"
    assert {Path(file).name: reason for file, reason in skipped.items()} == {
        "big.tif": slide,
        "slide.svs": slide,
        "notes.txt": "not PNG, JPEG, TIFF, BMP, WebP, GIF, JPEG 2000 or DICOM",
    }


def test_an_empty_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(tmp_path), *GOOD]) == 2
    assert capsys.readouterr().err == f"There is no image in the folder {tmp_path}.\n"


# CSV


def test_csv_rows_hold_answers_and_errors(images: Path, tmp_path: Path, tiny: Classifier) -> None:
    (images / "b.png").write_bytes(b"")
    file = tmp_path / "answers.csv"
    assert main(["predict", str(images), *GOOD, "--csv", str(file), "--operating-point", "rule-in"]) == 2
    with file.open(newline="") as opened:
        good, bad = csv.DictReader(opened)
    assert list(good) == list(CSV_COLUMNS)
    expected = tiny.predict(images / "a.png", "rule-in")
    assert good == {
        "file": str(images / "a.png"),
        "reading": expected.reading.text,
        "decision": expected.decision,
        "probability": repr(expected.probability),
        "threshold": "0.99",
        "operating_point": "rule-in",
        "model": "tiny",
        "guard": "",  # the tiny model has none
        "notes": UNGUARDED,
        "error": "",
        "image_sha256": expected.image_sha256,
        "model_sha256": tiny.identity.sha256,
    }
    assert (bad["file"], bad["decision"], bad["error"]) == (
        str(images / "b.png"),
        "",
        "The file is empty: send a picture.",
    )


def test_a_csv_row_is_on_disk_as_soon_as_its_image_is_answered(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Classifier
) -> None:
    file, rows_before = tmp_path / "answers.csv", []
    answer = tiny.predict
    spy = SimpleNamespace(
        config=tiny.config,
        identity=tiny.identity,
        predict=lambda *args, **options: rows_before.append(file.read_text().count("\n")) or answer(*args, **options),
    )
    monkeypatch.setattr("overread.stack.command.load", lambda name: spy)
    main(["predict", str(images), *GOOD, "--csv", str(file)])
    assert rows_before == [1, 2]


# Exit codes and messages


def test_an_image_of_another_kind_is_refused_and_answered_on_request(tmp_path: Path) -> None:
    holiday = tmp_path / "holiday.png"
    landscape().save(holiday)
    refused = overread("predict", str(holiday), "--model", "chest-xray")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr.startswith(f"{holiday}: ") and len(refused.stderr.splitlines()) == 1
    answered = overread("predict", str(holiday), "--model", "chest-xray", "--answer-anyway")
    assert answered.returncode == 0 and "\n  note: " in answered.stdout
    assert "\n  No lungs were found in this picture\n" in answered.stdout and "% of the evidence" not in answered.stdout


def test_a_bad_image_is_one_line_on_stderr_and_the_others_are_answered(
    images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "a.png").write_bytes(b"")
    assert main(["predict", str(images), *GOOD]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"{images / 'a.png'}: The file is empty: send a picture.\n"
    line, note = captured.out.splitlines()
    assert line.startswith(f"{images / 'b.png'}: no sign of redness (") and note == f"  note: {UNGUARDED}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.png", *GOOD], "no file 'nowhere.png'"),
        (["{images}", "--operating-point", "x", *GOOD], "no operating point 'x'"),
        (["{images}/a.png", "--overlay", "{images}/missing/x.png", *GOOD], "cannot be saved"),
        (["{images}/a.png", "--overlay", "{images}/x.docx", *GOOD], "cannot be saved"),
        (["{images}/a.png", "--overlay", "{images}/x", *GOOD], "a folder's name ends with /"),
        (["{images}", "--overlay", "{images}/a.png", *GOOD], "a.png cannot be made"),
        (["{images}/a.png", "--csv", "{images}/missing/x.csv", *GOOD], "x.csv cannot be written"),
        (["{images}/a.png"], "Name a model with --model: one of pcam-"),
    ],
)
def test_bad_arguments_end_with_code_2_and_one_line(
    arguments: list[str], words: str, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", *[argument.format(images=images) for argument in arguments]]) == 2
    error = capsys.readouterr().err
    assert words in error and len(error.splitlines()) == 1


def test_an_unknown_model_ends_with_code_2(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = overread("predict", str(images / "a.png"), "--model", "knee")
    assert done.returncode == 2
    assert done.stderr.startswith("There is no model 'knee': choose one of") and done.stdout == ""


def test_a_model_that_cannot_be_loaded_ends_with_code_1(
    images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(name: str) -> Classifier:
        raise ModelFolderError("The model is broken.")

    monkeypatch.setattr("overread.stack.command.load", broken)
    assert main(["predict", str(images), *GOOD]) == 1
    assert capsys.readouterr().err == "The model is broken.\n"


def test_a_progress_bar_appears_on_a_terminal_only() -> None:
    films = [str(ROOT / "examples" / "chest-xray" / f"person1_virus_{number}.jpeg") for number in (6, 9)]
    command = [sys.executable, "-m", "overread", "predict", *films, "--model", "chest-xray"]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))  # a terminal of 80 columns
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=theirs) as running:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # Linux reports a closed terminal as an error
            while chunk := os.read(ours, 4096):
                shown += chunk
    os.close(ours)
    assert running.returncode == 0 and b"2/2" in shown
    assert overread("predict", *films, "--model", "chest-xray").stderr == ""
