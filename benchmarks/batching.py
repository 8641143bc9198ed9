"""Milliseconds per image of a session by batch size: does joining waiting requests pay? python -m benchmarks.batching

The sizes take turns in every round, so that other load affects all. Writes ``batching.md``.
"""

import argparse
import os
from pathlib import Path

import numpy as np

from benchmarks.inference import milliseconds
from overread.catalogue import catalogue
from overread.model_folder import ONNX_FILE, read_config
from overread.session import OnnxSession, default_threads

RESULT = Path(__file__).with_suffix(".md")
SIZES = (1, 2, 4, 8)


def measure(name: str, rounds: int) -> list[float]:
    """Return the median milliseconds per image of a bundled net at each batch size."""
    folder = catalogue()[name].bundled_folder
    preprocessing = read_config(folder).preprocessing
    session = OnnxSession(folder / ONNX_FILE)
    random = np.random.default_rng(0)
    batches = [
        random.normal(size=(size, 3, preprocessing.height, preprocessing.width)).astype(np.float32) for size in SIZES
    ]
    calls = [lambda batch=batch: session.run(batch) for batch in batches]
    return [total / size for total, size in zip(milliseconds(calls, rounds), SIZES, strict=True)]


def main() -> None:
    """Measure every net, print the table and write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    lines = [
        "# Batches of waiting requests",
        "",
        f"Milliseconds per image of a session with {default_threads()} threads on {os.cpu_count()} CPUs, by batch size "
        f"(median of {options.rounds} rounds).",
        "",
        "| Net | " + " | ".join(str(size) for size in SIZES) + " |",
        "|---" * (len(SIZES) + 1) + "|",
    ]
    for name, entry in catalogue().items():
        if not entry.members:
            lines.append(f"| {name} | " + " | ".join(f"{value:.1f}" for value in measure(name, options.rounds)) + " |")
    print("\n".join(lines))
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
