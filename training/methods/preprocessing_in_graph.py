"""A net's preprocessing as an ONNX graph, for programs without Pillow: pixels of any size in, ``pixel_values`` out.

A canvas' or libvips' resizing moves the nets' log-odds, since neither is Pillow's; ``Resize`` is, to 0.1 grey level.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from overread.preprocessing import Preprocessing

PREPROCESS_FILE = "onnx/preprocess.onnx"
OPSET = 18  # the first whose Resize knows antialiasing
FILTERS: dict[str, dict[str, Any]] = {  # Pillow's, as attributes of Resize
    "bicubic": {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1},
    "bilinear": {"mode": "linear"},
}


def write_preprocessing(preprocessing: Preprocessing, folder: Path) -> Path:
    """Return ``onnx/preprocess.onnx``, written into a model folder.

    Its input is ``image``, uint8 (1, H, W, 3), red, green and blue; its output ``pixel_values``, float32 (1, 3, h, w).

    Raises:
        ValueError: if the net wants another filter than bicubic or bilinear.
    """
    if preprocessing.interpolation not in FILTERS:
        raise ValueError(f"the graph resizes by {' or '.join(FILTERS)}, not by {preprocessing.interpolation}")
    height, width = preprocessing.height, preprocessing.width
    mean, std = (np.array(values, np.float32) for values in (preprocessing.mean, preprocessing.std))
    nodes = [
        helper.make_node(
            "Resize",
            ["image", "", "", "size"],
            ["resized"],
            axes=[1, 2],
            **FILTERS[preprocessing.interpolation],
            antialias=1,
            coordinate_transformation_mode="half_pixel",
        ),
        helper.make_node("Cast", ["resized"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["levels", "factor"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "offset"], ["normalised"]),
        helper.make_node("Transpose", ["normalised"], ["pixel_values"], perm=[0, 3, 1, 2]),
    ]
    graph = helper.make_graph(
        nodes,
        "preprocess",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3])],
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, [1, 3, height, width])],
        [
            numpy_helper.from_array(np.array([height, width], np.int64), "size"),
            numpy_helper.from_array(1 / (255 * std), "factor"),
            numpy_helper.from_array(mean / std, "offset"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    file = folder / PREPROCESS_FILE
    file.parent.mkdir(exist_ok=True)
    onnx.save(model, file)
    return file
