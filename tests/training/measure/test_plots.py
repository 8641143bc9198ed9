import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from overread.heatmap_drawing import AGAINST_FINDING, FOR_FINDING
from overread.model_folder import OperatingPoint
from training.measure import plots
from training.measure.intervals import Floats
from training.measure.ranking import Labels
from training.measure.training_log import write_history

POINTS = [OperatingPoint(name, threshold, 0.0, 0.0, "") for name, threshold in (("screening", 0.2), ("rule-in", 0.8))]
RISKS = {"validation": np.linspace(0, 0.3, 60), "test": np.linspace(0, 0.2, 50)}
HISTORY: list[dict[str, Any]] = [
    {"epoch": 0.5, "step": 10, "loss": 0.7, "learning_rate": 0.001, "grad_norm": 3.0},
    {"epoch": 1.0, "step": 20, "loss": 0.5, "learning_rate": 0.0005, "grad_norm": 2.0},
    {"epoch": 1.0, "step": 20, "eval_auc": 0.9, "eval_loss": 0.6, "eval_samples_per_second": 52.0},
    {"epoch": 1.5, "step": 30, "loss": 0.4, "learning_rate": 0.0001, "grad_norm": 1.0, "images_per_second": 7.5},
    {"epoch": 2.0, "step": 40, "eval_auc": 0.95, "eval_loss": 0.5, "eval_samples_per_second": 51.0},
    {"epoch": 2.0, "step": 40, "train_loss": 0.53, "train_runtime": 9.0, "train_samples_per_second": 6.5},
]


def split(power: float = 1.0) -> tuple[Labels, Floats]:
    random, labels = np.random.default_rng(0), np.arange(400) % 2
    return labels, (1 / (1 + np.exp(-random.normal(2 * labels - 1, 1.0)))) ** power


def counts(true_negative: int, true_positive: int) -> dict[str, dict[str, Any]]:
    """Confusion matrices of 100 images per class."""
    point = {
        "threshold": 0.5,
        "true_negative": true_negative,
        "false_positive": 100 - true_negative,
        "false_negative": 100 - true_positive,
        "true_positive": true_positive,
    }
    return {"screening": point, "balanced": point, "rule-in": point}


CASES: dict[str, tuple[tuple[int, int], Callable[[Path], None], Callable[[Path], None]]] = {
    # size, a plot, the same plot of other data
    "roc_and_pr": (
        (700, 370),
        lambda path: plots.roc_and_pr({"validation": split(), "test": split()}, POINTS, path),
        lambda path: plots.roc_and_pr({"validation": split(), "test": split(3)}, POINTS, path),
    ),
    "reliability": (
        (700, 560),
        lambda path: plots.reliability({"before": split(2), "after": split()}, path),
        lambda path: plots.reliability({"before": split(3), "after": split()}, path),
    ),
    "risk_coverage": (
        (700, 330),
        lambda path: plots.risk_coverage(RISKS, {"test": (0.8, 0.1), "validation": (0.9, 0.2)}, path),
        lambda path: plots.risk_coverage(RISKS, {"test": (0.7, 0.1), "validation": (0.9, 0.2)}, path),
    ),
    "confusions": (
        (700, 280),
        lambda path: plots.confusions(counts(90, 80), path),
        lambda path: plots.confusions(counts(90, 81), path),
    ),
    "history": (
        (700, 300),
        lambda path: plots.history(HISTORY, path),
        lambda path: plots.history(HISTORY[:-2], path),
    ),
    "curves": (
        (700, 350),
        lambda path: plots.curves({"deletion": np.linspace(0.9, 0.1, 11), "insertion": np.linspace(0, 0.9, 11)}, path),
        lambda path: plots.curves({"deletion": np.linspace(0.9, 0.2, 11), "insertion": np.linspace(0, 0.9, 11)}, path),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_plot_is_a_small_png_that_shows_its_data(name: str, tmp_path: Path) -> None:
    size, draw, draw_other = CASES[name]
    draw(tmp_path / "plot")
    draw_other(tmp_path / "other")
    assert 1000 < (tmp_path / "plot").stat().st_size < 60_000
    with Image.open(tmp_path / "plot") as image:
        assert (image.format, image.size) == ("PNG", size)
    assert (np.abs(colours(tmp_path / "plot") - colours(tmp_path / "other")).max(axis=2) > 40).sum() > 20
    if name != "confusions":
        assert min(pixels(tmp_path / "plot", colour) for colour in (FOR_FINDING, AGAINST_FINDING)) > 100


def test_the_same_data_make_the_same_file(tmp_path: Path) -> None:
    for file in ("first", "again"):
        CASES["curves"][1](tmp_path / file)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()


def test_the_shade_of_a_confusion_is_the_share_of_its_row(tmp_path: Path) -> None:
    plots.confusions(counts(100, 50), tmp_path / "half.png")  # one full cell of four
    plots.confusions(counts(100, 100), tmp_path / "perfect.png")  # two
    half, perfect = (pixels(tmp_path / file, AGAINST_FINDING) for file in ("half.png", "perfect.png"))
    assert half > 3 * 3000 and perfect == pytest.approx(2 * half, rel=0.05)


def test_a_perfect_classifier_has_its_points_in_the_corner(tmp_path: Path) -> None:
    """The curve runs along the frame, so that nothing is drawn within it but the diagonal and the legends."""
    labels = np.arange(100) % 2
    plots.roc_and_pr({"test": (labels, np.where(labels == 1, 0.9, 0.1))}, POINTS, tmp_path / "perfect.png")
    plots.roc_and_pr({"test": (labels, np.full(100, 0.5))}, POINTS, tmp_path / "chance.png")
    assert teal_in_the_middle(tmp_path / "perfect.png") == 0
    assert teal_in_the_middle(tmp_path / "chance.png") > 50


@pytest.mark.filterwarnings("error")
def test_points_that_call_nobody_positive_have_no_precision_to_draw(tmp_path: Path) -> None:
    labels, probabilities = split()
    plots.roc_and_pr({"test": (labels, probabilities / 10)}, POINTS, tmp_path / "plot.png")  # all below both thresholds
    assert pixels(tmp_path / "plot.png", AGAINST_FINDING) > 100


def test_a_history_without_validation_is_drawn(tmp_path: Path) -> None:
    plots.history(HISTORY[:2], tmp_path / "plot.png")
    assert pixels(tmp_path / "plot.png", AGAINST_FINDING) > 50


def test_the_history_is_one_row_per_step(tmp_path: Path) -> None:
    write_history(HISTORY, tmp_path)
    with (tmp_path / "history.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "epoch",
        "step",
        "loss",
        "learning_rate",
        "images_per_second",
        "eval_auc",
        "eval_loss",
        "eval_samples_per_second",
        "train_samples_per_second",
    ]
    assert [list(row.values()) for row in rows] == [
        ["0.5", "10", "0.7", "0.001", "", "", "", "", ""],
        ["1.0", "20", "0.5", "0.0005", "", "0.9", "0.6", "52.0", ""],
        ["1.5", "30", "0.4", "0.0001", "7.5", "", "", "", ""],
        ["2.0", "40", "", "", "", "0.95", "0.5", "51.0", "6.5"],
    ]
    with Image.open(tmp_path / "history.png") as image:
        assert image.size == (700, 300)


def pixels(path: Path, colour: tuple[int, int, int]) -> int:
    """How many pixels come close to the colour; palettes and edges blur it."""
    return int((np.abs(colours(path) - colour).max(axis=2) <= 12).sum())


def teal_in_the_middle(path: Path) -> int:
    """Pixels near teal in the middle of the ROC panel, between its upper left corner and its legend."""
    middle = colours(path)[100:200, 100:250]
    return int((np.abs(middle - AGAINST_FINDING).max(axis=2) <= 40).sum())


def colours(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)
