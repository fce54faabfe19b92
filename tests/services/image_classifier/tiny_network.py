"""A network for the built-in picture check that calls a bright picture unsafe."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import onnx

from services.image_classifier.bundled_image_classifier import KINDS, BundledModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_BRIGHTNESS = (0.2, 0.3, -1.0, 0.3, 0.2)  # what each kind gains with the picture's mean
_DARKNESS = (0.0, 0.0, 1.0, 0.0, 0.0)


def write_tiny_network(
    folder: Path, *, brightness: Sequence[float] = _BRIGHTNESS, darkness: Sequence[float] = _DARKNESS
) -> BundledModel:
    """The chance of each kind is `brightness` times the picture's mean, plus `darkness`."""
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "brightness"], ["gain"]),
        helper.make_node("Add", ["gain", "darkness"], ["chances"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("picture", floats, ["n", 224, 224, 3])],
        [helper.make_tensor_value_info("chances", floats, [len(KINDS)])],
        [
            onnx.numpy_helper.from_array(np.array(values, dtype=np.float32), name)
            for name, values in (("brightness", brightness), ("darkness", darkness))
        ],
    )
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10).SerializeToString()
    file = folder / "tiny.onnx"
    file.write_bytes(data)
    return BundledModel(file, "tiny", hashlib.sha256(data).hexdigest())
