import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from overread.images import decode
from ui.examples import EXAMPLES, MANIFEST, example_of, examples


def test_three_patches_of_each_label_and_six_films() -> None:
    patches, films = examples("histopathology"), examples("chest-xray")
    assert sorted(patch.label for patch in patches) == ["no tumour in the centre"] * 3 + ["tumour in the centre"] * 3
    kinds = ["normal"] * 2 + ["pneumonia (bacterial)"] + ["pneumonia (viral)"] * 3
    assert sorted(film.label for film in films) == kinds
    assert {patch.licence for patch in patches} == {"CC0-1.0"} and {film.licence for film in films} == {"CC-BY-4.0"}
    assert all(example.attribution and example.split == "test" for example in [*patches, *films])


def test_the_files_are_those_of_the_manifest() -> None:
    listed = [*examples("histopathology"), *examples("chest-xray")]
    for example in listed:
        assert hashlib.sha256(example.path.read_bytes()).hexdigest() == example.sha256
    there = {path for folder in ("histopathology", "chest-xray") for path in (EXAMPLES / folder).iterdir()}
    assert there == {example.path for example in listed}


def test_an_example_is_known_by_its_bytes_whatever_its_name(tmp_path: Path) -> None:
    example = examples("chest-xray")[0]
    copy = tmp_path / "renamed.png"
    copy.write_bytes(example.path.read_bytes())
    assert example_of(decode(copy).sha256) == example
    copy.write_bytes(example.path.read_bytes() + b"\0")
    assert example_of(decode(copy).sha256) is None


def test_the_draw_gives_the_same_files_again(real_data: Path, tmp_path: Path) -> None:
    if not (real_data / "samples" / "chest-xray-test").is_dir():
        pytest.skip("no sample films in the folder of real data")
    command = [sys.executable, "-m", "examples.draw_examples", "--data", real_data, "--out", tmp_path]
    subprocess.run(command, cwd=EXAMPLES.parent, check=True, timeout=120)
    assert (tmp_path / "manifest.json").read_bytes() == MANIFEST.read_bytes()
    for line in json.loads(MANIFEST.read_text(encoding="utf-8")):
        assert (tmp_path / line["file"]).read_bytes() == (EXAMPLES / line["file"]).read_bytes()
