"""Turns the trained lung net into its model folder: python -m training export-lungs

Writes ``models/chest-xray-lungs/``: ``onnx/model.onnx`` with input ``film`` (N, 1, 112, 112), grey levels in 0..1, and
output ``lungs`` (N, 112, 112), probabilities; ``config.json`` and ``model.safetensors``. Pins the folder in
``models/catalogue.json``. Large weights are stored as 8-bit integers, as those of every model.
"""

import argparse
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from overread.catalogue import CATALOGUE_FILE, pin_files
from overread.lungs import LUNG
from overread.model_folder import CONFIG_FILE, ONNX_FILE, sha256_of
from training.data.data_sets import CHEST_XRAY_PNEUMONIA
from training.measure.training_record import TRAINING_FILE
from training.methods.lung_net import SIDE, WIDTHS, LungNet, load_lung_net, save_lung_net
from training.methods.weight_compression import compress_file, round_weights
from training.train_lungs import NAME

OPSET = 18
CONFIG: dict[str, Any] = {
    "architecture": "U-Net of depthwise-separable convolutions",
    "widths": list(WIDTHS),
    "input": {"name": "film", "shape": ["N", 1, SIDE, SIDE], "what": "grey levels in 0..1, the whole film squashed"},
    "output": {
        "name": "lungs",
        "shape": ["N", SIDE, SIDE],
        "what": "probability of lung, that behind the heart too",
    },
    "threshold": LUNG,
    "trained_on": "V7 Labs, COVID-19 X-ray dataset (2020), lung masks, CC BY 4.0",
}


class LungProbabilities(nn.Module):
    """The net with the sigmoid, as it is exported."""

    def __init__(self, net: LungNet) -> None:
        """Wrap a net."""
        super().__init__()
        self.net = net

    def forward(self, film: Tensor) -> Tensor:
        """Return (N, H, W) in 0..1 of (N, 1, H, W) in 0..1."""
        return self.net(film).sigmoid()


def export_onnx(net: LungNet, path: Path) -> None:
    """Write the net as ONNX, with its weights in float32."""
    batch = torch.export.Dim("batch", min=1, max=256)
    program = torch.onnx.export(
        LungProbabilities(net).eval(),
        (torch.zeros(2, 1, SIDE, SIDE),),
        dynamo=True,
        opset_version=OPSET,
        input_names=["film"],
        output_names=["lungs"],
        dynamic_shapes=({0: batch},),
        verbose=False,
    )
    assert program is not None  # it is None only for the older exporter
    program.save(path, external_data=False)


def export(net: LungNet, folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the files that inference needs, having written the model folder."""
    round_weights(net)
    (folder / ONNX_FILE).parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        raw = Path(scratch) / "float32.onnx"
        export_onnx(net, raw)
        compress_file(raw, folder / ONNX_FILE)
    save_lung_net(net, folder)
    (folder / CONFIG_FILE).write_text(json.dumps(CONFIG, indent=2) + "\n", encoding="utf-8")
    return {file: sha256_of(folder / file) for file in (CONFIG_FILE, ONNX_FILE)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command has no arguments of its own."""


def run(options: argparse.Namespace) -> None:
    """Export the net, pin its files, print its folder."""
    trained, folder = options.runs / NAME / "final", options.models / NAME
    digests = export(load_lung_net(trained), folder)
    shutil.copy(trained / TRAINING_FILE, folder)
    catalogue_file = options.models / CATALOGUE_FILE.name
    pin_files(NAME, CHEST_XRAY_PNEUMONIA.domain, digests, file=catalogue_file, section="lung_nets")
    print(folder)
