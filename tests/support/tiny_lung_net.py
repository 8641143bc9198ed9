"""A lung net of one node: a pixel is lung where it is darker than mid-grey, in the upper half of the film only."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from overread.hub import ModelSource
from overread.lungs import SIDE, LungNet


def write_tiny_lung_net(folder: Path) -> Path:
    """Write ``onnx/model.onnx`` into ``folder`` and return it."""
    (folder / "onnx").mkdir(parents=True)
    upper = np.zeros((1, SIDE, SIDE), np.float32)
    upper[:, : SIDE // 2] = 1
    constants = {"half": np.float32(0.5), "steep": np.float32(50), "upper": upper, "channel": np.array([1])}
    nodes = [
        helper.make_node("Sub", ["half", "film"], ["darker"]),
        helper.make_node("Mul", ["darker", "steep"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probability"]),
        helper.make_node("Squeeze", ["probability", "channel"], ["everywhere"]),
        helper.make_node("Mul", ["everywhere", "upper"], ["lungs"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny lungs",
        [helper.make_tensor_value_info("film", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("lungs", TensorProto.FLOAT, ["n", SIDE, SIDE])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, folder / "onnx" / "model.onnx")
    return folder


def tiny_lung_net(folder: Path) -> LungNet:
    """Return the net, written into ``folder`` and loaded."""
    return LungNet(ModelSource(write_tiny_lung_net(folder), "tiny-lungs"), threads=1)
