"""Milliseconds per image, Overread against its parts and its peers, in one run: python -m benchmarks.inference

Measures every bundled model with one and two threads, like for like: from the input tensor to the map, against torch
with pytorch_grad_cam; and from a file's bytes to the drawn overlay, against the same with that library's overlay. The
calls take turns in every round, so that other load affects all. The torch nets have the same architecture, output
stride and input size and random weights, which cost the same.

Writes ``inference.json`` and, rendered from it, ``inference.md``; ``--render`` writes the latter only.
"""

# ruff: noqa: E402  what imports torchvision comes after the call that makes it importable

from training.methods.torchvision_operators import declare_missing_operators

declare_missing_operators()  # before timm and pytorch_grad_cam, which import torchvision

# isort: split
import argparse
import io
import json
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
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
from pytorch_grad_cam.utils.image import show_cam_on_image
from tqdm import tqdm

from benchmarks.inference_table import Row, Run, render
from overread.catalogue import Domain, catalogue
from overread.classifier import Classifier, load
from overread.heatmap_drawing import display_size
from overread.model_folder import ONNX_FILE
from overread.prediction import Prediction
from training.measure.torch_heatmaps import last_stage
from training.methods.heatmap_in_graph import log_odds
from training.methods.torch_model import build_model
from training.recipes.nets import RECIPES

RESULT, TABLE = (Path(__file__).with_suffix(suffix) for suffix in (".json", ".md"))
EXAMPLES = Path(__file__).parents[1] / "examples"
IMAGES: dict[Domain, tuple[str, tuple[int, int], str]] = {  # example, width and height that visitors send (px), format
    "histopathology": ("histopathology/patch0000434.jpg", (96, 96), "PNG"),
    "chest-xray": ("chest-xray/person1_virus_9.jpeg", (1024, 1024), "JPEG"),
}
WARM_UP = 2  # rounds, in which memory is allocated


def read_run(file: Path = RESULT) -> Run:
    """Return the run in ``inference.json``."""
    content = json.loads(file.read_text(encoding="utf-8"))
    return Run(**content | {"rows": tuple(Row(**row) for row in content["rows"])})


def peers(name: str, classifier: Classifier, data: bytes, threads: int, folder: Path) -> list[Callable[[], object]]:
    """Return the calls that are timed beside one net, in the order of ``Row``'s fields; each computes one image."""
    entry, recipe = catalogue()[name], RECIPES[name]
    image = Image.open(io.BytesIO(data)).convert("RGB")
    pixels = classifier.config.preprocessing([image])  # (1, 3, H, W) float32

    bare_file = folder / f"{name}.onnx"
    onnx.utils.extract_model(entry.bundled_folder / ONNX_FILE, bare_file, ["pixel_values"], ["logits"])
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    bare = ort.InferenceSession(bare_file, options, providers=["CPUExecutionProvider"])

    preprocess = classifier.config.preprocessing
    net = build_model(recipe, recipe.export_size, recipe.export_stride).timm_model.eval()
    tensor = torch.from_numpy(pixels)
    cam = GradCAM(net, [last_stage(net)])

    def eager() -> object:
        with torch.inference_mode():
            return net(tensor)

    def overlay() -> object:
        opened = Image.open(io.BytesIO(data)).convert("RGB")
        heatmap = cam(torch.from_numpy(preprocess([opened])), [log_odds])[0]
        picture = opened.resize(display_size(opened.size))
        shown = np.asarray(Image.fromarray(heatmap).resize(picture.size, Image.Resampling.BICUBIC))
        return show_cam_on_image(np.asarray(picture, np.float32) / 255, shown, use_rgb=True)

    return [
        lambda: classifier.net.session.run(pixels),
        lambda: bare.run(None, {"pixel_values": pixels}),
        eager,
        lambda: cam(tensor, [log_odds]),
        overlay,
    ]


def measure(name: str, threads: int, rounds: int, folder: Path) -> Row:
    """Return a model's row.

    Args:
        name: in the catalogue.
        threads: of onnxruntime and torch.
        rounds: that are measured.
        folder: for temporary files.
    """
    torch.set_num_threads(threads)
    entry = catalogue()[name]
    classifier = load(name, threads)
    data = encoded_image(entry.domain)
    predictions: list[Prediction] = []
    others = [] if entry.members else peers(name, classifier, data, threads, folder)

    def whole_path() -> object:
        prediction = classifier.predict(data)
        predictions.append(prediction)
        return prediction.overlay

    times = milliseconds([whole_path, *others], rounds)
    overread, *peer_times = (round(time, 1) for time in times)
    session = median(prediction.milliseconds.inference for prediction in predictions[WARM_UP:])
    return Row(name, threads, overread, round(session, 1), *peer_times)


def encoded_image(domain: Domain) -> bytes:
    """Return an image file such as visitors send, which the guard accepts."""
    file, size, kind = IMAGES[domain]
    buffer = io.BytesIO()
    with Image.open(EXAMPLES / file) as image:
        image.resize(size, Image.Resampling.BICUBIC).save(buffer, kind)
    return buffer.getvalue()


def milliseconds(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return the median milliseconds of each call over rounds in which all take turns, after ``WARM_UP`` rounds."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + WARM_UP):
        for call, taken in zip(calls, times, strict=True):
            started = perf_counter()
            call()
            if number >= WARM_UP:
                taken.append((perf_counter() - started) * 1000)
    return [median(taken) for taken in times]


def main() -> None:
    """Measure, unless only the table is wanted; write both files and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--render", action="store_true", help="measure nothing, write inference.md from inference.json")
    options = parser.parse_args()
    if not options.render:
        with tempfile.TemporaryDirectory() as folder:
            rows = [
                measure(name, threads, options.rounds, Path(folder))
                for name in tqdm(catalogue(), unit="model")
                for threads in (1, 2)
            ]
        versions = {"onnxruntime": ort.__version__, "torch": torch.__version__, "timm": timm.__version__}
        run = Run(platform.machine(), os.cpu_count() or 1, versions, options.rounds, tuple(rows))
        RESULT.write_text(json.dumps(asdict(run), indent=1) + "\n", encoding="utf-8")
    table = render(read_run())
    TABLE.write_text(table, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
