"""Plots of an evaluation and of a training, as small PNG files, 700 px wide.

Every colour (the heat map's orange and teal, two greys) has its own line style, so no plot depends on colour vision.
"""

import io
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from overread.heatmap_drawing import AGAINST_FINDING, FOR_FINDING
from overread.model_folder import OperatingPoint
from training.measure.intervals import Floats
from training.measure.metrics import BINS
from training.measure.ranking import Labels

WIDTH = 7.0  # inches, at 100 pixels each
ORANGE, TEAL = ("#{:02x}{:02x}{:02x}".format(*colour) for colour in (FOR_FINDING, AGAINST_FINDING))
STYLES = ((TEAL, "-"), (ORANGE, "--"), ("#404040", "-."), ("#909090", ":"))
MARKERS = "osD^v"
COLOURS = 64

Splits = Mapping[str, tuple[Labels, Floats]]
Legend = Literal["best", "upper left", "lower left", "lower right"]


def roc_and_pr(splits: Splits, points: list[OperatingPoint], path: Path) -> None:
    """Write the ROC and precision-recall curves of each split, with the operating points marked.

    Args:
        splits: (N,) labels, 0 or 1, and (N,) probabilities by the split's name.
        points: marked on every curve.
        path: of the PNG, 700 x 370 px.
    """
    figure = _figure(3.7)
    roc, pr = figure.subplots(1, 2)
    for (name, (labels, probabilities)), (colour, line) in zip(splits.items(), cycle(STYLES), strict=False):
        false_positive, sensitivity, _ = roc_curve(labels, probabilities)
        area = roc_auc_score(labels, probabilities)
        roc.plot(false_positive, sensitivity, line, color=colour, label=f"{name}: AUC {area:.3f}")
        precision, recall, _ = precision_recall_curve(labels, probabilities)
        area = average_precision_score(labels, probabilities)
        pr.plot(recall, precision, line, color=colour, drawstyle="steps-post", label=f"{name}: average {area:.3f}")
        for point, marker in zip(points, cycle(MARKERS), strict=False):
            predicted, positive = probabilities >= point.threshold, labels == 1
            sensitivity_there = predicted[positive].mean()
            style: dict[str, Any] = {"color": colour, "markeredgecolor": "black", "markersize": 6, "zorder": 3}
            roc.plot(predicted[~positive].mean(), sensitivity_there, marker, **style)
            if predicted.any():
                pr.plot(sensitivity_there, positive[predicted].mean(), marker, **style)
    for point, marker in zip(points, cycle(MARKERS), strict=False):
        roc.plot([], [], marker, color="white", markeredgecolor="black", markersize=6, label=point.name)
    roc.plot([0, 1], [0, 1], color="#c0c0c0", linewidth=0.8, zorder=0)
    _label(roc, "1 - specificity", "Sensitivity", "lower right")
    _label(pr, "Recall (sensitivity)", "Precision (PPV)", "lower left")
    for axes in (roc, pr):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    _save(figure, path)


def reliability(splits: Splits, path: Path) -> None:
    """Write the reliability diagram (15 bins of equal width, without empty ones) above a histogram of probabilities.

    Args:
        splits: (N,) labels, 0 or 1, and (N,) probabilities by name, such as before and after calibration.
        path: of the PNG, 700 x 560 px.
    """
    figure = _figure(5.6)
    diagram, histogram = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for (name, (labels, probabilities)), (colour, line) in zip(splits.items(), cycle(STYLES), strict=False):
        frequency, probability = calibration_curve(labels, probabilities, n_bins=BINS)
        diagram.plot(probability, frequency, line, marker="o", markersize=4, color=colour, label=name)
        edges = np.linspace(0, 1, BINS + 1)
        histogram.hist(probabilities, edges, histtype="step", log=True, color=colour, linestyle=line, linewidth=1.5)
    diagram.plot([0, 1], [0, 1], color="#c0c0c0", linewidth=0.8, zorder=0)
    diagram.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    _label(diagram, "", "Fraction with the finding", "upper left")
    histogram.set_ylim(bottom=0.5)  # so that a bin with one image is visible
    _label(histogram, "Predicted probability", "Images (log scale)")
    _save(figure, path)


def confusions(operating_points: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Write one confusion matrix per operating point: number of images and percentage of the row, which is the shade.

    Args:
        operating_points: as ``training.measure.metrics.measure`` returns them.
        path: of the PNG, 700 x 280 px.
    """
    figure = _figure(2.8)
    shades = LinearSegmentedColormap.from_list("shades", ("white", TEAL))
    panels = figure.subplots(1, len(operating_points), squeeze=False, sharey=True)[0]
    for axes, (name, point) in zip(panels, operating_points.items(), strict=True):
        counts = np.array(
            [[point["true_negative"], point["false_positive"]], [point["false_negative"], point["true_positive"]]]
        )
        fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(fractions, cmap=shades, vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            axes.text(column, row, f"{count}\n{fractions[row, column]:.1%}", ha="center", va="center")
        axes.set_title(f"{name} (≥ {point['threshold']:.3f})", fontsize="medium")
        axes.set_xticks((0, 1), ("no finding", "finding"))
        axes.set_yticks((0, 1), ("no finding", "finding"), rotation=90, va="center")
        axes.set_xlabel("Predicted (images)")
    panels[0].set_ylabel("Labelled (images)")
    _save(figure, path)


def risk_coverage(curves: Mapping[str, Floats], answers: Mapping[str, tuple[float, float]], path: Path) -> None:
    """Write risk-coverage curves (El-Yaniv & Wiener 2010), with the point that the three answers reach on each.

    Args:
        curves: (N,) share of wrong decisions among the 1 ... N surest, by the split's name.
        answers: share of the images that get an answer, and share of the answers that are wrong, likewise.
        path: of the PNG, 700 x 330 px.
    """
    figure = _figure(3.3)
    axes = figure.subplots()
    for (name, risks), (colour, line) in zip(curves.items(), cycle(STYLES), strict=False):
        coverage = np.arange(1, len(risks) + 1) / len(risks)
        axes.plot(coverage, risks, line, color=colour, label=f"{name}: AURC {risks.mean():.3f}")
        axes.plot(*answers[name], "o", color=colour, markeredgecolor="black", markersize=6, zorder=3)
    axes.plot([], [], "o", color="white", markeredgecolor="black", markersize=6, label="three answers")
    axes.set(xlim=(-0.02, 1.02))
    axes.set_ylim(bottom=0)
    _label(axes, "Coverage: share of the images that get an answer", "Risk: share of wrong answers", "upper left")
    _save(figure, path)


def history(log_history: list[dict[str, Any]], path: Path) -> None:
    """Write loss and validation AUC over epochs.

    Args:
        log_history: of transformers' ``TrainerState``.
        path: of the PNG, 700 x 300 px.
    """
    figure = _figure(3.0)
    losses, areas = figure.subplots(1, 2)
    for axes, key, name, (colour, line), marker in (
        (losses, "loss", "training", STYLES[0], ""),
        (losses, "eval_loss", "validation", STYLES[1], "o"),
        (areas, "eval_auc", "validation", STYLES[1], "o"),
    ):
        rows = [row for row in log_history if key in row]
        epochs, values = [row["epoch"] for row in rows], [row[key] for row in rows]
        axes.plot(epochs, values, line, color=colour, marker=marker, markersize=4, label=name)
    _label(losses, "Epoch", "Loss (nats)", "best")
    _label(areas, "Epoch", "AUC", "best")
    _save(figure, path)


def curves(means: Mapping[str, Floats], path: Path) -> None:
    """Write mean deletion and insertion curves (Petsiuk et al. 2018) with their areas.

    Args:
        means: (K,) mean probability by the curve's name, at K even steps from 0 % to 100 % of the pixels.
        path: of the PNG, 700 x 350 px.
    """
    figure = _figure(3.5)
    axes = figure.subplots()
    for (name, mean), (colour, line) in zip(means.items(), cycle(STYLES), strict=False):
        fraction = np.linspace(0, 1, len(mean))
        axes.plot(100 * fraction, mean, line, color=colour, label=f"{name}: area {auc(fraction, mean):.3f}")
    axes.set(xlim=(0, 100), ylim=(-0.02, 1.02))
    _label(axes, "Pixels deleted or inserted (%)", "Mean probability", "best")
    _save(figure, path)


def labels_curve(points: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write test AUC against the number of labels (log scale): a line per start, its interval, and every seed.

    Args:
        points: as ``training.labels_curve.points`` returns them.
        path: of the PNG, 700 x 380 px.
    """
    figure = _figure(3.8)
    axes = figure.subplots()
    starts = dict.fromkeys(point["start"] for point in points)
    for start, (colour, line) in zip(starts, cycle(STYLES), strict=False):
        rows = [point for point in points if point["start"] == start]
        labels = [row["labels"] for row in rows]
        value, low, high = ([row["auc"][key] for row in rows] for key in ("value", "low", "high"))
        axes.fill_between(labels, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(labels, value, line, color=colour, marker="o", markersize=4, label=start)
        for row in rows:
            axes.plot([row["labels"]] * len(row["auc_of_seeds"]), row["auc_of_seeds"], ".", color=colour, markersize=4)
    axes.set_xscale("log")
    ticks = sorted({point["labels"] for point in points})
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    _label(axes, "Labelled patches for training", "AUC on test", "lower right")
    _save(figure, path)


def _figure(height: float) -> Figure:
    return Figure(figsize=(WIDTH, height), dpi=100, layout="constrained")


def _label(axes: Axes, x: str, y: str, legend: Legend | None = None) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e8e8e8", linewidth=0.6)
    axes.set_axisbelow(True)
    if legend:
        axes.legend(loc=legend, fontsize="small", frameon=False)


def _save(figure: Figure, path: Path) -> None:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    # A palette needs a third of the space; saving with Pillow leaves out matplotlib's version.
    palette = Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    palette.save(path, format="PNG", optimize=True)
