import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import overread
from overread.cli import main
from tests.support.hub_on_loopback import HubOnLoopback
from tests.support.patch_table import EXAMPLES, turned, write_patch_table
from tests.support.score_run import command, score, table_of

ROWS = 26


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 26 rows in row groups of 20 and 6."""
    return write_patch_table(tmp_path_factory.mktemp("set") / "data" / "test-00000-of-00001.parquet", ROWS)


@pytest.fixture(scope="module")
def scored(table: Path) -> Path:
    """The answers about it, in parts of 8 rows: of 8, 8, 4 and 6."""
    out = table.parents[1] / "scored"
    done = score(table.parent, out, "--processes", "2", "--part-rows", "8", "--keep", "label", "--heatmaps")
    assert (done.returncode, done.stderr) == (2, "")
    assert "26 rows, 24 answered, 0 refused, 2 unreadable, 0 failed; 26 of them now" in done.stdout
    return out


def test_rows_are_those_of_predict_and_keep_the_columns_asked_for(scored: Path, table: Path) -> None:
    found = table_of(scored).to_pylist()
    assert [row["index"] for row in found] == list(range(ROWS))
    assert [row["label"] for row in found] == [number % 2 for number in range(ROWS)]
    assert len(list(scored.glob("*.parquet"))) == 4
    model = overread.load("pcam-resnet18", threads=1)
    for number in (0, 7, 25):
        expected, row = model.predict(turned(number)), found[number]
        assert row["image"] == f"{table}#{number}"
        assert (row["probability"], row["log_odds"]) == (expected.probability, expected.log_odds)  # to the last bit
        assert (row["reading"], row["decision"]) == (expected.reading.text, expected.decision)
        assert row["image_sha256"] == expected.image_sha256
        assert np.array_equal(np.float32(row["heatmap"]), np.float32(expected.to_json()["heatmap"]["values"]))


def test_rows_without_a_picture_are_rows_with_a_sentence(scored: Path) -> None:
    found = table_of(scored).to_pylist()
    errors = {row["index"]: (row["kind"], row["error"][:24]) for row in found if row["error"]}
    assert errors == {
        3: ("unreadable", "This is not a picture th"),
        5: ("unreadable", "The row holds no image: "),
    }
    assert found[3]["probability"] is None


def test_a_finished_run_is_not_run_again(scored: Path, table: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in scored.iterdir()}
    done = score(table.parent, scored, "--part-rows", "8", "--keep", "label", "--heatmaps")
    assert "26 rows" in done.stdout and "; 0 of them now" in done.stdout
    assert {file: file.stat().st_mtime_ns for file in scored.iterdir()} == before


def test_a_killed_run_goes_on_with_whole_parts(scored: Path, table: Path, tmp_path: Path) -> None:
    out, more = tmp_path / "out", ("--processes", "1", "--part-rows", "1", "--keep", "label", "--heatmaps")
    running = subprocess.Popen(command(table.parent, out, *more), cwd=tmp_path, start_new_session=True)
    wait_for(lambda: len(list(out.glob("*.parquet"))) >= 2)
    running.send_signal(signal.SIGKILL)
    running.wait()
    written = {file: file.stat().st_mtime_ns for file in out.glob("*.parquet")}
    assert 2 <= len(written) < ROWS
    score(table.parent, out, *more)
    assert written.items() <= {file: file.stat().st_mtime_ns for file in out.glob("*.parquet")}.items()
    assert table_of(out).equals(table_of(scored))


def test_answers_to_another_question_are_not_mixed(
    scored: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["score", str(table.parent), "--model", "pcam-resnet18", "--out", str(scored), "--part-rows", "8"]
    assert main([*asked, "--operating-point", "rule-in"]) == 2
    assert "name another folder" in capsys.readouterr().err


def test_a_data_set_on_the_hub_is_read_at_one_commit(hub: HubOnLoopback, table: Path, tmp_path: Path) -> None:
    files = {"data/test-00000-of-00001.parquet": table.read_bytes(), "data/train-00000-of-00001.parquet": b"not read"}
    revision = hub.put_repo("someone/patches", files, "dataset")
    environment = hub.client_environment(tmp_path / "home")
    done = score("someone/patches", tmp_path / "out", "--split", "test", environment=environment)
    assert (done.returncode, done.stderr) == (2, "")
    images = table_of(tmp_path / "out")["image"].to_pylist()
    assert images[7] == f"datasets/someone/patches@{revision}/data/test-00000-of-00001.parquet#7"
    missing = score("someone/nothing", tmp_path / "none", environment=environment)
    assert missing.returncode == 2 and missing.stderr.startswith("There is no file or folder someone/nothing, and no")


def test_a_list_of_files_is_read_from_its_own_folder(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(turned(number))
    (tmp_path / "list.txt").write_text("# two patches\n2.png\n\n0.png\n")
    assert score(tmp_path / "list.txt", tmp_path / "out", "--processes", "1").returncode == 0
    assert table_of(tmp_path / "out")["image"].to_pylist() == [str(tmp_path / "2.png"), str(tmp_path / "0.png")]


def test_slides_are_scanned_one_row_for_each(tmp_path: Path) -> None:
    pytest.importorskip("shapely", reason="needs overread[scan]")
    patches = [Image.open(file).convert("RGB") for file in EXAMPLES[:4]]
    slide = Image.new("RGB", (192, 192))
    for number, patch in enumerate(patches):
        slide.paste(patch, (96 * (number % 2), 96 * (number // 2)))
    slide.save(tmp_path / "slide.tif")
    (tmp_path / "bad.tif").write_bytes(b"II*\0")
    (tmp_path / "slides.txt").write_text("bad.tif\nslide.tif\n")
    done = score(tmp_path / "slides.txt", tmp_path / "out", "--slides", "--mpp", "0.972", "--processes", "1")
    assert done.returncode == 2, done.stderr
    bad, good = table_of(tmp_path / "out").to_pylist()
    assert (bad["kind"], bool(bad["error"]), bad["patches"]) == ("unreadable", True, None)
    assert good["kind"] == "answered" and good["um_per_px"] == 0.972
    corners = {(patch["x"], patch["y"]) for patch in good["patches"]}
    assert {(0, 0), (96, 0), (0, 96), (96, 96)} <= corners
    assert good["largest_probability"] == max(patch["probability"] for patch in good["patches"])
    assert 0 <= good["area_low_mm2"] <= good["area_above_mm2"] <= good["area_high_mm2"] <= good["tissue_mm2"]


@pytest.mark.parametrize(
    ("source", "more", "words"),
    [
        ("{folder}/nowhere/at/all", [], "no file or folder"),
        ("{folder}", ["--image-column", "picture"], "no column 'picture'"),
        ("{folder}", ["--keep", "age"], "no column 'age'"),
        ("{folder}", ["--split", "validation"], "no file of the split 'validation'"),
        ("{folder}", ["--part-rows", "0"], "must be 1 or more"),
        ("{folder}/list.txt", [], "names no file"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(
    source: str, more: list[str], words: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.parquet").write_bytes(table.read_bytes())
    (tmp_path / "list.txt").write_text("# nothing\n")
    named = source.format(folder=tmp_path)
    assert main(["score", named, "--model", "pcam-resnet18", "--out", str(tmp_path / "out"), *more]) == 2
    error = capsys.readouterr().err
    assert words in error and len(error.splitlines()) == 1


def test_what_is_missing_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("overread.score.command.find_spec", lambda name: None)
    assert main(["score", "x", "--model", "pcam-resnet18", "--out", "y", "--engine", "ray"]) == 2
    assert capsys.readouterr().err == "overread score needs ray: pip install overread[ray].\n"


def test_the_folder_says_what_was_asked(scored: Path, table: Path) -> None:
    asked = json.loads((scored / "score.json").read_text())
    assert (asked["rows"], asked["parts"], asked["columns"]) == (ROWS, 4, ["label"])
    assert asked["model"]["name"] == "pcam-resnet18" and asked["operating_point"] == "balanced"


def wait_for(happened: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
