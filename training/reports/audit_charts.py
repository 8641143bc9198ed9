"""The charts and thumbnails of the data audit's page, as ``data:`` URIs."""

import base64
import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from training.measure.file_statistics import SplitStatistics

COLOURS = ("#2b6cb0", "#dd6b20")  # class 0, class 1: distinct with any colour vision
CHANNELS = ("red", "green", "blue")
BINS = 40


def mean_chart(classes: tuple[str, str], split: SplitStatistics) -> str:
    """Return the mean image of each class and their difference."""
    figure = Figure(figsize=(9.6, 3), layout="constrained")
    axes = figure.subplots(1, 3)
    for label in (0, 1):
        axes[label].imshow(split.means[label].round().astype(np.uint8))
        axes[label].set_title(classes[label], color=COLOURS[label])
    difference = (split.means[1] - split.means[0]).mean(axis=-1)
    limit = max(float(np.abs(difference).max()), 1e-6)
    drawn = axes[2].imshow(difference, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes[2].set_title(f"{classes[1]} − {classes[0]}")
    figure.colorbar(drawn, ax=axes[2], label="grey levels of 255")
    for axis in axes:
        axis.set_axis_off()
    return _svg(figure)


def intensity_chart(classes: tuple[str, str], split: SplitStatistics, grey: bool) -> str:
    """Return the histogram of intensity, or one of each channel, by class."""
    channels = {"intensity": 0} if grey else {channel: n for n, channel in enumerate(CHANNELS)}
    figure = Figure(figsize=(9.6, 2.8), layout="constrained")
    axes = figure.subplots(1, len(channels), squeeze=False)[0]
    edges = np.arange(0, 257, 4)
    for axis, (channel, index) in zip(axes, channels.items(), strict=True):
        for label in (0, 1):
            density = split.histograms[label, index].reshape(64, 4).sum(axis=1) / 4
            axis.stairs(density, edges, fill=True, alpha=0.3, color=COLOURS[label], label=classes[label])
            axis.stairs(density, edges, color=COLOURS[label])
        _finish(axis, channel)
    return _svg(figure)


def number_chart(numbers: dict[str, str], classes: tuple[str, str], split: SplitStatistics) -> str | None:
    """Return a histogram by class of each number, an attribute of ``FileStatistics``; None where none varies."""
    varying = {number: title for number, title in numbers.items() if len(set(split.values(number))) > 1}
    if not varying:
        return None
    figure = Figure(figsize=(9.6, 2.8), layout="constrained")
    axes = figure.subplots(1, len(varying), squeeze=False)[0]
    for axis, (number, title) in zip(axes, varying.items(), strict=True):
        values = split.values(number)
        edges = np.histogram_bin_edges(values, BINS)
        for label in (0, 1):
            chosen = values[split.sampled_labels == label]
            axis.hist(chosen, edges, density=len(chosen) > 0, alpha=0.5, color=COLOURS[label], label=classes[label])
        _finish(axis, title)
    return _svg(figure)


def thumbnail(image: Image.Image) -> str:
    """Return the image as WebP."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=85)
    return _data_uri("image/webp", buffer.getvalue())


def _finish(axis: Axes, title: str) -> None:
    axis.set_xlabel(title)
    axis.set_yticks([])
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.legend(frameon=False, fontsize="small")


def _svg(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _data_uri("image/svg+xml", buffer.getvalue())


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
