"""The curve of AUC against labels: nested draws, runs that are kept, a mean over seeds, figure and table."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from PIL import Image
from sklearn.metrics import roc_auc_score

from training import labels_curve
from training.__main__ import main
from training.labels_curve import IMAGENET, RANDOM, Run, centre, draw, mean_auc
from training.recipes.recipe import Stage
from training.reports.labels_section import labels_section


def test_a_run_with_more_labels_has_all_patches_of_a_smaller_one() -> None:
    train = Dataset.from_dict({"number": list(range(5_000))})
    few, many = (set(draw(train, Run(RANDOM, labels, seed=1))["number"]) for labels in (300, 1_000))
    assert len(few) == 300 and len(many) == 1_000 and few < many
    assert set(draw(train, Run(RANDOM, 300, seed=2))["number"]) != few


def test_steps_grow_with_the_cube_root_of_the_labels() -> None:
    assert [Run(RANDOM, labels, 1).steps for labels in (300, 2_400, 8_100)] == [120, 240, 360]


def test_a_net_sees_the_centre_of_a_patch_at_its_own_scale() -> None:
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[16:80, 16:80] = 255
    seen = np.asarray(centre(Image.fromarray(pixels)))
    assert seen.shape == (64, 64, 3) and seen.min() == 255


def test_the_mean_auc_is_that_of_the_seeds_within_its_interval() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(200) % 2
    scores = [labels + random.normal(size=200) * spread for spread in (1.0, 2.0)]
    found = mean_auc(scores, labels)
    assert found["value"] == pytest.approx(np.mean([roc_auc_score(labels, values) for values in scores]))
    assert found["low"] < found["value"] < found["high"]


def test_the_command_trains_what_is_missing_and_writes_the_curve_when_it_is_whole(
    patches: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(96, epochs=1, learning_rate=1e-3, augmentation="histopathology")
    small = dataclasses.replace(labels_curve.RECIPE, architecture="resnet10t", stages=(stage,), batch_size=8)
    monkeypatch.setattr(labels_curve, "RECIPE", small)
    monkeypatch.setattr(labels_curve, "LABELS", (16, 40))
    monkeypatch.setattr(labels_curve, "STEPS", 2)
    started_from: list[str] = []
    monkeypatch.setattr(labels_curve, "load_initial_weights", lambda net, recipe, init: started_from.append(init))
    (tmp_path / "models" / labels_curve.CARD_OF / "figures").mkdir(parents=True)
    command = ["labels-curve", "--data", patches, "--init", "trunk", "--runs", str(tmp_path / "runs")]
    command += ["--models", str(tmp_path / "models")]

    assert main([*command, "--seeds", "1", "2"]) == 0
    assert "4 nets are missing" in capsys.readouterr().out
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs" / "labels-curve").iterdir()}
    assert len(kept) == 8 and started_from == ["trunk"] * 4

    assert main(command) == 0
    assert all(file.stat().st_mtime_ns == written for file, written in kept.items())
    folder = tmp_path / "models" / labels_curve.CARD_OF
    assert (folder / labels_curve.FIGURE).read_bytes().startswith(b"\x89PNG")
    measured = json.loads((folder / labels_curve.RESULT).read_text())
    assert [(point["start"], point["labels"], len(point["auc_of_seeds"])) for point in measured["points"]] == [
        (start, labels, 3) for start in (IMAGENET, RANDOM) for labels in (16, 40)
    ]
    rows = labels_section(measured).split("\n\n")[1].splitlines()
    assert len(rows) == 4 and rows[2].startswith("| 16 | 2 | ") and rows[0].count("|") == rows[2].count("|")
