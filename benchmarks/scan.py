"""Speed and memory of a scan, from file to maps: python -m benchmarks.scan speed | growth | memory

``speed``: megapixels of tissue per second, exact, dense, and torch eager with the same net patch by patch in batches,
in rounds that take turns so that a busy moment hits all alike. ``growth``: dense seconds from 1 to 64 megapixels.
``memory``: peak of a process of its own on a BigTIFF of 20,000 x 20,000 px. Results go to ``benchmarks/scan.json``, and
``benchmarks/scan.md`` is made from it. Fields are laid out at random from the PCam patches in ``examples/``.
"""

# ruff: noqa: E402  what imports torchvision comes after the call that makes it importable

from training.methods.torchvision_operators import declare_missing_operators

declare_missing_operators()  # before timm, which imports torchvision

# isort: split
import argparse
import json
import math
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
import torch
from PIL import Image
from transformers import TimmWrapperForImageClassification

from overread.catalogue import catalogue
from overread.classifier import BATCH_SIZE
from overread.scan import Plan, prepare, run
from overread.scan.models import ScanModel, scan_model

RESULT = Path(__file__).with_suffix(".json")
TABLE = Path(__file__).with_suffix(".md")
PATCHES = Path(__file__).parents[1] / "examples" / "histopathology"
MODEL = "pcam-efficientnet-lite0"
UM_PER_PX = 0.972
TILE, PATCH = 480, 96  # a tile of the file holds 5 x 5 patches
GROWTH_MEGAPIXELS = (1, 4, 16, 64)
MEMORY_SIDE = 20_000
MEMORY_TISSUE = 0.1  # of the area: a disc in the middle, as on a slide


def stride_of(model: ScanModel) -> int:
    """Return the side of the labelled centre in whole cells of the net, so that all ways read the same patches."""
    return model.default_stride(dense=True)


def write_field(path: Path, side: int, tissue: float = 1.0) -> None:
    """Write a tiled BigTIFF of ``side`` x ``side`` px at 0.972 um/px, one tile in memory at a time.

    Args:
        path: where.
        side: in pixels, a whole number of tiles.
        tissue: share of the area that is tissue; below 1 it is a disc in the middle, the rest is glass.
    """
    patches = [np.asarray(Image.open(file).convert("RGB")) for file in sorted(PATCHES.glob("*.jpg"))]
    random, middle = np.random.default_rng(0), side / 2
    radius = side * math.sqrt(tissue / math.pi)
    glass = np.full((TILE, TILE, 3), 245, np.uint8)

    def tiles() -> Iterator[npt.NDArray[np.uint8]]:
        for top in range(0, side, TILE):
            for left in range(0, side, TILE):
                distance = math.hypot(top + TILE / 2 - middle, left + TILE / 2 - middle)
                if tissue < 1 and distance > radius:
                    yield glass
                    continue
                tile = np.empty((TILE, TILE, 3), np.uint8)
                for y in range(0, TILE, PATCH):
                    for x in range(0, TILE, PATCH):
                        patch = patches[int(random.integers(len(patches)))]
                        tile[y : y + PATCH, x : x + PATCH] = np.rot90(patch, int(random.integers(4)))
                yield tile

    tifffile.imwrite(
        path,
        tiles(),
        shape=(side, side, 3),
        dtype=np.uint8,
        tile=(TILE, TILE),
        photometric="rgb",
        compression="zlib",
        bigtiff=True,
        resolution=(1e4 / UM_PER_PX, 1e4 / UM_PER_PX),
        resolutionunit="CENTIMETER",
    )


def side_of(megapixels: float) -> int:
    """Return the side of a square field of about so many pixels, in whole tiles."""
    return max(1, round(math.sqrt(megapixels * 1e6) / TILE)) * TILE


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = perf_counter()
    call()
    return perf_counter() - started


def scanned(path: Path, model: ScanModel, exact: bool) -> Callable[[], object]:
    """Return a call that scans from file to maps."""

    def call() -> None:
        with prepare(path, model, exact=exact, stride=stride_of(model)) as plan:
            run(plan)

    return call


def torch_eager(path: Path, model: ScanModel, net: torch.nn.Module) -> Callable[[], object]:
    """Return a call that answers the same patches with torch eager in batches, without maps."""

    def call() -> None:
        with prepare(path, model, exact=True, stride=stride_of(model)) as plan, torch.inference_mode():
            for batch in _batches(plan):
                net(torch.from_numpy(model.classifier.config.preprocessing(batch)))

    return call


def _batches(plan: Plan) -> Iterator[list[Image.Image]]:
    """Yield the plan's patches, tile by tile as the scan reads them."""
    for tile in plan.tiles:
        xs, ys = plan.grid.x.starts[tile.left : tile.right], plan.grid.y.starts[tile.top : tile.bottom]
        size = int(xs[-1] - xs[0]) + PATCH, int(ys[-1] - ys[0]) + PATCH
        pixels = plan.view.read(int(xs[0]), int(ys[0]), *size)
        corners = [
            (int(xs[column] - xs[0]), int(ys[row] - ys[0])) for row, column in np.argwhere(plan.wanted[tile.patches])
        ]
        for start in range(0, len(corners), BATCH_SIZE):
            yield [pixels.crop((x, y, x + PATCH, y + PATCH)) for x, y in corners[start : start + BATCH_SIZE]]


def measure_speed(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Return a row per number of threads."""
    path = folder / "field.tif"
    write_field(path, side_of(options.megapixels))
    net = TimmWrapperForImageClassification.from_pretrained(catalogue()[options.model].bundled_folder)
    net.train(False)
    rows = []
    for threads in options.threads:
        torch.set_num_threads(threads)
        model = scan_model(options.model, threads)
        with prepare(path, model, exact=False, stride=stride_of(model)) as plan:
            megapixels, patches = plan.megapixels, plan.patches
        calls = {
            "exact": scanned(path, model, exact=True),
            "dense": scanned(path, model, exact=False),
            "torch": torch_eager(path, model, net),
        }
        times: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(options.rounds):
            for name, call in calls.items():
                times[name].append(seconds(call))
        typical = {name: median(values) for name, values in times.items()}
        rows.append(
            {
                "model": options.model,
                "threads": threads,
                "stride_px": stride_of(model),
                "tissue_megapixels": megapixels,
                "patches": patches,
                **{f"{name}_mp_per_s": megapixels / value for name, value in typical.items()},
                "dense_over_torch": typical["torch"] / typical["dense"],
                "exact_over_torch": typical["torch"] / typical["exact"],
            }
        )
    return rows


def measure_growth(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Return a row per field size."""
    model = scan_model(options.model, options.threads[0])
    rows = []
    for megapixels in options.sizes:
        path = folder / f"{megapixels}.tif"
        write_field(path, side_of(megapixels))
        taken = seconds(scanned(path, model, exact=False))
        pixels = side_of(megapixels) ** 2 / 1e6
        rows.append({"megapixels": pixels, "seconds": taken, "seconds_per_megapixel": taken / pixels})
        path.unlink()
    return rows


def measure_memory(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Return a row per engine, each from a process of its own."""
    path = folder / "slide.tif"
    write_field(path, math.ceil(options.side / TILE) * TILE, MEMORY_TISSUE)
    rows = []
    for engine in options.engines:
        command = [sys.executable, "-m", "benchmarks.scan_peak", str(path), options.model, engine]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return rows


def table(results: dict[str, Any]) -> str:
    """Return the Markdown page."""
    lines = [
        "# Scanning: speed and memory",
        "",
        "Made by `python -m benchmarks.scan speed`, `growth` and `memory`.",
        "",
    ]
    if "speed" in results:
        lines += [
            f"Megapixels of tissue per second from file to maps, medians; {results['speed']['machine']}.",
            "",
            "| model | stride, px | threads | exact | dense | torch eager | dense / torch | exact / torch |",
            "|---|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {row['model']} | {row['stride_px']} | {row['threads']} | {row['exact_mp_per_s']:.3f} "
            f"| {row['dense_mp_per_s']:.3f} | {row['torch_mp_per_s']:.3f} "
            f"| {row['dense_over_torch']:.1f} | {row['exact_over_torch']:.1f} |"
            for row in results["speed"]["rows"]
        ]
        lines.append("")
    if "growth" in results:
        lines += [
            f"Dense, by size; {results['growth']['machine']}.",
            "",
            "| megapixels | s | s per megapixel |",
            "|---|---|---|",
        ]
        lines += [
            f"| {row['megapixels']:.1f} | {row['seconds']:.1f} | {row['seconds_per_megapixel']:.2f} |"
            for row in results["growth"]["rows"]
        ]
        lines.append("")
    if "memory" in results:
        lines += [
            f"Peak memory of a process, exact with a patch every 96 px; {results['memory']['machine']}.",
            "",
            "| engine | slide | tissue, mm² | with the model loaded, MB | peak, MB |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {row['engine']} | {row['size'][0]} x {row['size'][1]} | {row['tissue_mm2']:.1f} "
            f"| {row['loaded_mb']:.0f} | {row['peak_mb']:.0f} |"
            for row in results["memory"]["rows"]
        ]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Measure what the command line names and add it to the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["speed", "growth", "memory"])
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megapixels", type=float, default=1.0, help="of the field for `speed`")
    parser.add_argument("--sizes", type=float, nargs="+", default=GROWTH_MEGAPIXELS, help="in megapixels, for `growth`")
    parser.add_argument("--side", type=int, default=MEMORY_SIDE, help="of the slide for `memory`, in pixels")
    parser.add_argument("--engines", nargs="+", default=["exact", "dense"], help="for `memory`")
    parser.add_argument("--dry", action="store_true", help="print, and leave the published results as they are")
    options = parser.parse_args()
    measure = {"speed": measure_speed, "growth": measure_growth, "memory": measure_memory}[options.what]
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(options, Path(folder))
    print(json.dumps(rows, indent=1))
    if options.dry:
        return
    results = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}
    results[options.what] = {"machine": f"{platform.machine()}, Python {platform.python_version()}", "rows": rows}
    RESULT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    TABLE.write_text(table(results), encoding="utf-8")


if __name__ == "__main__":
    main()
