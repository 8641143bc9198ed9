"""Milliseconds that the lungs of a film take, one thread and two: python -m benchmarks.lungs

Measures the lung net on a film of 1,024 px as visitors send it: the net alone, with the film's reduction, and the
outline with the share of the evidence. Writes the table to ``lungs.md``.
"""

import argparse
import io
import platform
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image

from benchmarks.inference import encoded_image, milliseconds
from overread.catalogue import lung_net
from overread.hub import ModelSource
from overread.lungs import SIDE, LungNet, lungs_of

TABLE = Path(__file__).with_suffix(".md")
CELLS = (14, 14)  # of the chest nets' maps


def measure(threads: int, rounds: int) -> list[float]:
    """Return the median milliseconds of the net alone, of the film to probabilities, and of outline and evidence."""
    entry = lung_net("chest-xray")
    assert entry
    net = LungNet(ModelSource(entry.bundled_folder, entry.name), threads)
    film = Image.open(io.BytesIO(encoded_image("chest-xray"))).convert("L")
    small = film.resize((SIDE, SIDE))
    probability = net([film])[0]
    heatmap = np.random.default_rng(0).normal(size=CELLS).astype(np.float32)
    calls = (lambda: net([small]), lambda: net([film]), lambda: lungs_of(probability, heatmap))
    return milliseconds(calls, rounds)


def main() -> None:
    """Measure, write and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    rows = [
        f"| {threads} | " + " | ".join(f"{time:.1f}" for time in measure(threads, options.rounds)) + " |"
        for threads in (1, 2)
    ]
    table = "\n".join(
        (
            "# Milliseconds for the lungs of a film",
            "",
            f"Written by `python -m benchmarks.lungs`: medians of {options.rounds} rounds, {platform.machine()}, "
            f"onnxruntime {ort.__version__}.",
            "",
            "| Threads | Net on a film of 112 px | Net on a film of 1,024 px | Outline and share of the evidence |",
            "|---|---|---|---|",
            *rows,
            "",
        )
    )
    TABLE.write_text(table, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
