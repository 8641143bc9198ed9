"""Whether other versions of the libraries change any answer: python -m benchmarks.agreement --save|--compare FILE.npz

``--save`` keeps the log-odds and heat maps of every bundled model for the example images. ``--compare``, run in another
environment, computes them again, prints the largest difference per model, and ends with code 1 above the tolerance.
"""

import argparse
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

import overread
from overread.catalogue import catalogue

EXAMPLES = Path(__file__).parents[1] / "examples"
TOLERANCE = 1e-5  # log-odds
LIBRARIES = ("numpy", "onnxruntime", "pillow", "pydicom")
Arrays = dict[str, npt.NDArray[np.floating]]


def answers() -> Arrays:
    """Return, for each model, ``<name>/log_odds`` (N,) and ``<name>/heatmap`` (N, h, w) of its domain's N examples."""
    examples = json.loads((EXAMPLES / "manifest.json").read_text(encoding="utf-8"))
    found: Arrays = {}
    for name, entry in catalogue().items():
        files = [EXAMPLES / example["file"] for example in examples if example["domain"] == entry.domain]
        predictions = overread.load(name, threads=1).predict_batch(files)
        found[f"{name}/log_odds"] = np.array([prediction.log_odds for prediction in predictions])
        found[f"{name}/heatmap"] = np.stack([prediction.heatmap for prediction in predictions])
    return found


def largest_differences(before: Arrays, after: Arrays) -> dict[str, float]:
    """Return the largest absolute difference by array; infinite where an array is missing or has another shape."""
    return {
        key: float(np.abs(before[key] - after[key]).max())
        if key in before and key in after and before[key].shape == after[key].shape
        else float("inf")
        for key in sorted({*before, *after})
    }


def main() -> int:
    """Save or compare; return 1 if an answer changed by more than the tolerance."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agreement", description=__doc__.splitlines()[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--save", type=Path, metavar="FILE.npz")
    action.add_argument("--compare", type=Path, metavar="FILE.npz")
    options = parser.parse_args()
    print(f"Python {platform.python_version()},", ", ".join(f"{name} {version(name)}" for name in LIBRARIES))
    if options.save:
        options.save.parent.mkdir(parents=True, exist_ok=True)
        np.savez(options.save, **answers())  # type: ignore[arg-type]  # numpy declares allow_pickle among the keywords
        return 0
    with np.load(options.compare) as saved:
        before = dict(saved)
    differences = largest_differences(before, answers())
    for key, difference in differences.items():
        print(f"{key}: {'identical' if difference == 0 else f'differs by up to {difference:.2g}'}")
    return int(max(differences.values()) > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
