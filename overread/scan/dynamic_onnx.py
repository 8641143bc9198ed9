"""An ONNX file that takes inputs of any height and width, derived from one that was exported for a fixed size.

The nets are fully convolutional up to their pooling, and their padding is written as numbers: only the declared shapes
fix the input's size. The shapes are changed with ``google.protobuf``, which onnxruntime installs, so that ``onnx`` is
not needed. Everything that is not declared here is an unknown field to protobuf, which keeps it byte by byte.
"""

from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]

_PACKAGE = "overread.onnx"
_Field = descriptor_pb2.FieldDescriptorProto
# The part of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto that leads to a value's shape: for each message its
# fields as (name, number, type, repeated), where a type that is a string names another message.
_MESSAGES: dict[str, list[tuple[str, int, Any, bool]]] = {
    "Dimension": [("dim_value", 1, _Field.TYPE_INT64, False), ("dim_param", 2, _Field.TYPE_STRING, False)],
    "Shape": [("dim", 1, "Dimension", True)],
    "Tensor": [("elem_type", 1, _Field.TYPE_INT32, False), ("shape", 2, "Shape", False)],
    "Type": [("tensor_type", 1, "Tensor", False)],
    "ValueInfo": [("name", 1, _Field.TYPE_STRING, False), ("type", 2, "Type", False)],
    "Graph": [
        ("input", 11, "ValueInfo", True),
        ("output", 12, "ValueInfo", True),
        ("value_info", 13, "ValueInfo", True),
    ],
    "Model": [("graph", 7, "Graph", False)],
}


def with_dynamic_size(path: Path) -> bytes:
    """Return the ONNX file's bytes with the height and width of inputs and outputs left open.

    Shapes of intermediate values are removed: they hold for the fixed size only, and onnxruntime infers them itself.

    Raises:
        OSError: if the file cannot be read.
        google.protobuf.message.DecodeError: if it is no protobuf message.
    """
    model = _model_class()()
    model.ParseFromString(path.read_bytes())
    for value in [*model.graph.input, *model.graph.output]:
        dimensions = value.type.tensor_type.shape.dim
        if len(dimensions) > 2:  # (N, classes) and (N, features) stay as they are
            for dimension, side in zip(dimensions[-2:], ("height", "width"), strict=True):
                dimension.Clear()
                dimension.dim_param = f"{value.name}_{side}"
    del model.graph.value_info[:]
    return model.SerializeToString()


@cache
def _model_class() -> Any:
    """Return the message class for the part of an ONNX model that is declared above."""
    file = descriptor_pb2.FileDescriptorProto(name="overread/onnx_shapes.proto", package=_PACKAGE, syntax="proto2")
    for message, fields in _MESSAGES.items():
        declared = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            field = declared.field.add(name=name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Model"))
