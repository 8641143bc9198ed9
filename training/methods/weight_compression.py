"""Stores large weights as 8-bit integers in ONNX files and in half precision in safetensors; computation is float32.

In an ONNX file every output channel has its own scale. ``Cast`` and ``Mul`` restore the weights; onnxruntime folds both
when it loads the file, so inference is as fast as before.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import nn

EXPORT_FILE = "export.json"  # in a model folder: what the compression changes on validation data
SMALLEST = 2**14  # elements of a tensor that is compressed: depthwise kernels, which are smaller, stay exact


@torch.no_grad()
def round_weights(net: nn.Module) -> None:
    """Round a net's large weights, in place, to the 255 levels per channel that ``compress_weights`` stores.

    Folding a batch norm into a convolution scales whole channels, which keeps the levels: the ONNX file and
    ``model.safetensors`` then hold the same net.
    """
    for module in net.modules():
        if not isinstance(module, nn.Conv2d | nn.Linear) or module.weight.numel() < SMALLEST:
            continue
        weight = module.weight  # (channels out, ...)
        scale = weight.abs().amax(tuple(range(1, weight.ndim)), keepdim=True).clamp_min(1e-12) / 127
        weight.copy_((weight / scale).round() * scale)


def halve_large(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a net's state with its large weights in half precision.

    Biases, batch norms and the classifier, to which the probability is most sensitive, stay in single precision.
    """
    return {
        name: value.half() if value.ndim > 1 and value.numel() >= SMALLEST else value for name, value in state.items()
    }


def compress_weights(model: ModelProto) -> ModelProto:
    """Return a copy of the model whose large float32 weights are int8 with a scale per output channel.

    The scale is the channel's largest magnitude / 127; no weight changes by more than 0.4 % of that magnitude.
    """
    compressed = ModelProto()
    compressed.CopyFrom(model)
    graph = compressed.graph
    kept, nodes = [], []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2 or np.prod(tensor.dims) < SMALLEST:
            kept.append(tensor)
            continue
        weight = numpy_helper.to_array(tensor)
        axes = tuple(range(1, weight.ndim))
        scale = np.maximum(np.abs(weight).max(axis=axes, keepdims=True), 1e-12) / 127
        stored, scales, cast = f"{tensor.name}_int8", f"{tensor.name}_scale", f"{tensor.name}_cast"
        kept += [
            numpy_helper.from_array(np.round(weight / scale).astype(np.int8), stored),
            numpy_helper.from_array(scale.astype(np.float32), scales),
        ]
        nodes += [
            helper.make_node("Cast", [stored], [cast], to=TensorProto.FLOAT),
            helper.make_node("Mul", [cast, scales], [tensor.name]),
        ]
    all_nodes = [*nodes, *graph.node]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(all_nodes)
    graph.initializer.extend(kept)
    onnx.checker.check_model(compressed)
    return compressed


def compress_file(source: Path, target: Path) -> None:
    """Write the compressed copy of ``source`` to ``target``."""
    onnx.save(compress_weights(onnx.load(source)), target)
