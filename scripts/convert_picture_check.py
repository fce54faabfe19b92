"""Make the network of the built-in picture check from the npm package nsfwjs.

    npm pack nsfwjs@4.4.0
    .venv/bin/python -m scripts.convert_picture_check nsfwjs-4.4.0.tgz

The package carries a frozen TensorFlow graph as JavaScript, with weights in 8 bits. This writes the same graph as ONNX
with the same 8 bits, and prints the SHA-256 that `services/image_classifier/bundled_image_classifier.py` asks for. It
needs Node, to read the JavaScript, and the packages of the tests.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx

from runtime_config.constants import PICTURE_CHECK_DIR
from services.image_classifier.bundled_image_classifier import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_FOLDER: Final = "package/dist/models/mobilenet_v2_mid"
_OPSET: Final = 17
_IR_VERSION: Final = 10
_NAMES: Final = {"AddV2": "Add", "Mul": "Mul", "Sub": "Sub"}  # of TensorFlow's operators in ONNX


@dataclass(frozen=True, slots=True)
class Weight:
    """`levels * scale + least` are the values; `levels` is uint8 of the weight's shape."""

    levels: NDArray[np.uint8]
    scale: float
    least: float


def read_package(tarball: Path) -> tuple[Sequence[Mapping[str, Any]], dict[str, Weight]]:
    """The nodes of the graph, in the order in which they run, and its weights by name."""
    with tempfile.TemporaryDirectory() as place, tarfile.open(tarball) as tar:
        members = [member for member in tar.getmembers() if member.name.startswith(_FOLDER)]
        tar.extractall(place, members, filter="data")
        folder = Path(place) / _FOLDER
        model = _read_script(folder / "model.min.js")
        weights: dict[str, Weight] = {}
        for group in model["weightsManifest"]:
            shards = [base64.b64decode(_read_script(folder / f"{path}.min.js")) for path in group["paths"]]
            weights |= _split(b"".join(shards), group["weights"])
    return model["modelTopology"]["node"], weights


def to_onnx(nodes: Sequence[Mapping[str, Any]], weights: Mapping[str, Weight]) -> onnx.ModelProto:
    """A graph from `picture` (float32 [n, side, side, 3], 0..1) to `chances` (float32 [n, kinds]) and `features`.

    The features (float32 [n, features]) are what the chances are drawn from.
    """
    graph = _Graph(weights)
    for node in nodes:
        graph.add(node)
    return graph.finish()


class _Graph:
    def __init__(self, weights: Mapping[str, Weight]) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._outputs: dict[str, str] = {}  # of TensorFlow's nodes: the names of their values here
        self._side = self._last = self._features = ""

    def add(self, node: Mapping[str, Any]) -> None:
        """Add what does the same; pictures become [n, channels, height, width] behind the last `Sub`."""
        name, operator, attributes = node["name"], node["op"], node.get("attr", {})
        inputs = list(node.get("input", ()))
        match operator:
            case "Const":
                return
            case "Placeholder":
                self._side = attributes["shape"]["shape"]["dim"][1]["size"]
                value = "picture"
            case "Mul" | "Sub" | "AddV2":
                value = self._node(_NAMES[operator], [self._value(each) for each in inputs])
                if operator == "Sub":
                    value = self._node("Transpose", [value], perm=[0, 3, 1, 2])
            case "_FusedConv2D" | "FusedDepthwiseConv2dNative":
                value = self._convolution(operator, inputs, attributes)
            case "AvgPool":
                kernel = _whole(attributes["ksize"])[1:3]
                value = self._node("AveragePool", [self._value(inputs[0])], kernel_shape=kernel)
            case "Squeeze":
                value = self._features = self._node("Flatten", [self._value(inputs[0])])
            case "_FusedMatMul":
                value = self._node("Gemm", [self._value(each) for each in inputs])
            case "Softmax":
                value = self._node("Softmax", [self._value(inputs[0])])
            case "Identity":
                value = self._value(inputs[0])
            case _:
                raise SystemExit(f"There is no rule for TensorFlow's operator {operator}.")
        self._outputs[name] = self._last = value

    def finish(self) -> onnx.ModelProto:
        helper = onnx.helper
        for value, output in ((self._last, "chances"), (self._features, "features")):
            self._nodes.append(helper.make_node("Identity", [value], [output]))
        side = int(self._side)
        picture = helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, ["n", side, side, 3])
        chances = helper.make_tensor_value_info("chances", onnx.TensorProto.FLOAT, ["n", "kinds"])
        features = helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["n", "features"])
        graph = helper.make_graph(self._nodes, "picture_check", [picture], [chances, features], self._constants)
        opsets = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="terrarium")
        onnx.checker.check_model(model)  # pyright: ignore[reportUnknownMemberType] - partly untyped
        return model

    def _convolution(self, operator: str, inputs: Sequence[str], attributes: Mapping[str, Any]) -> str:
        weight = self._weights[inputs[1]]
        is_depthwise = operator == "FusedDepthwiseConv2dNative"
        axes = (2, 3, 0, 1) if is_depthwise else (3, 2, 0, 1)  # to [outputs, inputs of a group, height, width]
        kernel = self._constant(Weight(weight.levels.transpose(axes), weight.scale, weight.least))
        value = self._node(
            "Conv",
            [self._value(inputs[0]), kernel, self._value(inputs[2])],
            auto_pad="SAME_UPPER",
            strides=_whole(attributes["strides"])[1:3],
            group=weight.levels.shape[2] if is_depthwise else 1,
        )
        if "Relu6" not in _texts(attributes["fused_ops"]):
            return value
        return self._node("Clip", [value, self._number(0), self._number(6)])

    def _value(self, name: str) -> str:
        return self._outputs[name] if name in self._outputs else self._constant(self._weights[name])

    def _constant(self, weight: Weight) -> str:
        """Stored in 8 bits; ONNX Runtime computes the values once, when it loads the graph."""
        levels = self._store(np.ascontiguousarray(weight.levels))
        values = self._node("Cast", [levels], to=onnx.TensorProto.FLOAT)
        return self._node("Add", [self._node("Mul", [values, self._number(weight.scale)]), self._number(weight.least)])

    def _number(self, number: float) -> str:
        return self._store(np.array(number, dtype=np.float32))

    def _store(self, values: NDArray[Any]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(onnx.numpy_helper.from_array(values, name))
        return name

    def _node(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        output = f"value_{len(self._nodes)}"
        self._nodes.append(onnx.helper.make_node(operator, inputs, [output], **attributes))
        return output


def _read_script(script: Path) -> Any:
    """What a file of JavaScript exports, which is plain data."""
    program = "process.stdout.write(JSON.stringify(require(process.argv[1])))"
    done = subprocess.run(["node", "-e", program, str(script)], check=True, capture_output=True)
    return json.loads(done.stdout)


def _split(data: bytes, parts: Sequence[Mapping[str, Any]]) -> dict[str, Weight]:
    weights: dict[str, Weight] = {}
    at = 0
    for part in parts:
        shape, how = part["shape"], part["quantization"]
        if how["dtype"] != "uint8":
            raise SystemExit(f"The weight {part['name']} is not in 8 bits.")
        size = math.prod(shape)
        levels = np.frombuffer(data, np.uint8, size, at).reshape(shape)
        weights[part["name"]] = Weight(levels, how["scale"], how["min"])
        at += size
    if at != len(data):
        raise SystemExit("The weights of the package are not those of its graph.")
    return weights


def _whole(attribute: Mapping[str, Any]) -> list[int]:
    return [int(each) for each in attribute["list"]["i"]]


def _texts(attribute: Mapping[str, Any]) -> list[str]:
    return [base64.b64decode(each).decode() for each in attribute["list"].get("s", ())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tarball", type=Path, help="what `npm pack nsfwjs@4.4.0` made")
    data = to_onnx(*read_package(parser.parse_args().tarball)).SerializeToString()
    file = PICTURE_CHECK_DIR / FILE_NAME
    file.write_bytes(data)
    print(f"{file}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
