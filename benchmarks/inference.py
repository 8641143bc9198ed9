"""Milliseconds per picture, our path against its parts and its peers, in one run: python -m benchmarks.inference

For each bundled model and for one and two threads, in rounds that take turns so that a busy moment hits all alike:
our whole path (bytes to overlay), bare onnxruntime without the heat map, torch eager, and torch with pytorch_grad_cam.
The torch nets have the same architecture, output stride and input size; their weights are random, which costs the same.
"""

# ruff: noqa: E402  what imports torchvision comes after the call that makes it importable

from training.methods.torchvision_operators import declare_missing_operators

declare_missing_operators()  # before timm and pytorch_grad_cam, which import torchvision

# isort: split
import argparse
import io
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import onnx
import onnxruntime as ort
import timm
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM
from tqdm import tqdm

from overread.catalogue import catalogue
from overread.classifier import Classifier
from overread.model_folder import ONNX_FILE
from overread.prediction import Prediction
from training.measure.torch_heatmaps import last_stage
from training.methods.torch_model import build_model
from training.recipes.nets import RECIPES

RESULT = Path(__file__).with_suffix(".md")
PICTURES = {"histopathology": (96, 96), "chest-xray": (1024, 1024)}  # what visitors of either tab send
UNMEASURED = 2  # rounds, in which memory is laid out


def peers(name: str, classifier: Classifier, data: bytes, threads: int, folder: Path) -> list[Callable[[], object]]:
    """Return what is timed beside one net, in the order of the table; each call answers one picture."""
    entry, recipe = catalogue()[name], RECIPES[name]
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    pixels = classifier.config.preprocessing([picture])  # (1, 3, H, W) float32

    bare_file = folder / f"{name}.onnx"
    onnx.utils.extract_model(entry.bundled_folder / ONNX_FILE, bare_file, ["pixel_values"], ["logits"])
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    bare = ort.InferenceSession(bare_file, options, providers=["CPUExecutionProvider"])

    net = build_model(recipe, recipe.export_size, recipe.export_stride).timm_model.eval()
    tensor = torch.from_numpy(pixels)
    cam = GradCAM(net, [last_stage(net)])

    def eager() -> object:
        with torch.inference_mode():
            return net(tensor)

    return [
        lambda: bare.run(None, {"pixel_values": pixels}),
        eager,
        lambda: cam(tensor, [lambda logits: logits[1] - logits[0]]),
    ]


def row(name: str, threads: int, rounds: int, folder: Path) -> str:
    """Return a model's row of the table; an ensemble has no peers."""
    torch.set_num_threads(threads)
    entry = catalogue()[name]
    classifier = Classifier(entry.bundled_folder, threads=threads)
    data = encoded_picture(PICTURES[entry.domain], "PNG" if entry.domain == "histopathology" else "JPEG")
    answers: list[Prediction] = []
    others = [] if entry.members else peers(name, classifier, data, threads, folder)
    ours, *times = milliseconds([lambda: answers.append(classifier.predict(data)), *others], rounds)
    session = median(answer.milliseconds.inference for answer in answers[UNMEASURED:])
    cells = [f"{time:.1f} ({time / ours:.2f}x)" for time in times] or ["", "", ""]
    return f"| {name} | {threads} | {ours:.1f} | {session:.1f} | {' | '.join(cells)} |"


def encoded_picture(size: tuple[int, int], kind: str) -> bytes:
    """Return a picture file of smooth noise, which compresses about as a real one does."""
    width, height = size
    noise = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(buffer, kind)
    return buffer.getvalue()


def milliseconds(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return the median milliseconds of each call over rounds in which all take turns, after ``UNMEASURED`` ones."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + UNMEASURED):
        for call, taken in zip(calls, times, strict=True):
            started = perf_counter()
            call()
            if number >= UNMEASURED:
                taken.append((perf_counter() - started) * 1000)
    return [median(taken) for taken in times]


def main() -> None:
    """Print the table and write it to benchmarks/inference.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    lines = [
        f"{platform.machine()}, {os.cpu_count()} CPUs, onnxruntime {ort.__version__}, torch {torch.__version__}, "
        f"timm {timm.__version__}; median of {rounds} rounds; in brackets the ratio to Overread's whole path.",
        "",
        "| Model | Threads | Overread, bytes to overlay | of that, the session "
        "| onnxruntime, logits only | torch eager | torch + pytorch_grad_cam |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name in tqdm(catalogue(), unit="model"):
            lines += [row(name, threads, rounds, Path(folder)) for threads in (1, 2)]
    print("\n".join(lines))
    RESULT.write_text("# Milliseconds per picture\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
