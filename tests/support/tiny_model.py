"""A model folder that takes milliseconds to make and whose outputs can be calculated by hand.

Each cell of its map is the mean colour of 8 x 8 pixels, scaled to -1..1; red is evidence for the finding, blue against.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from overread.model_folder import sha256_of

SIZE, CELL = 96, 8
WEIGHT = np.array([[-1.0, 0.0, 1.0], [2.0, 0.0, -1.0]], np.float32)  # (2, 3): class by colour channel
BIAS = np.array([0.1, 0.4], np.float32)
DIFFERENCE = WEIGHT[1] - WEIGHT[0]  # (3,): red +3, green 0, blue -2
BIAS_DIFFERENCE = float(BIAS[1] - BIAS[0])

CONFIG: dict[str, Any] = {
    "architecture": "tiny",
    "label_names": ["clear", "red"],
    "pretrained_cfg": {
        "input_size": [3, SIZE, SIZE],
        "interpolation": "bicubic",
        "crop_mode": "squash",
        "crop_pct": 1.0,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
    },
    "overread": {
        "finding": "redness",
        "operating_points": {
            "screening": {"threshold": 0.2, "sensitivity": 0.95, "specificity": 0.7, "rule": "by hand"},
            "balanced": {"threshold": 0.5, "sensitivity": 0.9, "specificity": 0.9, "rule": "by hand"},
            "rule-in": {"threshold": 0.99, "sensitivity": 0.6, "specificity": 0.95, "rule": "by hand"},
        },
        "default_operating_point": "balanced",
        "heatmap": {"layer": "average of 8 x 8 pixels", "bias": BIAS_DIFFERENCE, "scale": 0.01},
        "region": None,
    },
}


def write_tiny_model(
    folder: Path, region: dict[str, Any] | None = None, bias: tuple[float, float] = (BIAS[0], BIAS[1])
) -> Path:
    """Write ``config.json`` and ``onnx/model.onnx`` into ``folder`` and return it."""
    heatmap = CONFIG["overread"]["heatmap"] | {"bias": float(bias[1] - bias[0])}
    config = CONFIG | {"overread": CONFIG["overread"] | {"region": region, "heatmap": heatmap}}
    (folder / "onnx").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    onnx.save(tiny_onnx(np.array(bias, np.float32)), folder / "onnx" / "model.onnx")
    return folder


def write_tiny_ensemble(folder: Path, weights: dict[str, float], intercept: float = 0.0) -> Path:
    """Write the ``config.json`` of an ensemble of the tiny models beside ``folder`` and return it."""
    read = {name: json.loads((folder.parent / name / "config.json").read_text()) for name in weights}
    bias = sum(weight * read[name]["overread"]["heatmap"]["bias"] for name, weight in weights.items())
    files = {name: _file_of_identity(folder.parent / name) for name in weights}
    ensemble = {
        "members": {name: sha256_of(file) for name, file in files.items()},
        "weights": weights,
        "intercept": intercept,
    }
    heatmap = CONFIG["overread"]["heatmap"] | {"bias": bias + intercept}
    folder.mkdir(parents=True)
    ours = CONFIG["overread"] | {"heatmap": heatmap, "ensemble": ensemble}
    (folder / "config.json").write_text(json.dumps(CONFIG | {"overread": ours}))
    return folder


def _file_of_identity(folder: Path) -> Path:
    model = folder / "onnx" / "model.onnx"
    return model if model.exists() else folder / "config.json"


def tiny_onnx(bias: np.ndarray = BIAS) -> onnx.ModelProto:
    """Return the net: average pooling, then the same head as every other net."""
    cells = (SIZE // CELL) ** 2
    constants = {"weight": WEIGHT, "bias": bias, "difference": DIFFERENCE / cells, "axes": np.array([2, 3])}
    nodes = [
        helper.make_node("AveragePool", ["pixel_values"], ["features"], kernel_shape=[CELL] * 2, strides=[CELL] * 2),
        helper.make_node("ReduceMean", ["features", "axes"], ["embedding"], keepdims=0),
        helper.make_node("Gemm", ["embedding", "weight", "bias"], ["logits"], transB=1),
        helper.make_node("Einsum", ["features", "difference"], ["heatmap"], equation="nchw,c->nhw"),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2]),
            helper.make_tensor_value_info("heatmap", TensorProto.FLOAT, ["n", SIZE // CELL, SIZE // CELL]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 3]),
        ],
        [numpy_helper.from_array(value.astype(value.dtype), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
