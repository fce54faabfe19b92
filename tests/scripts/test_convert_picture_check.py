"""A package laid out as nsfwjs is, with a tiny graph, and the network that is made of it."""

from __future__ import annotations

import base64
import io
import json
import shutil
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - it ships none
import pytest

from scripts.convert_picture_check import read_package, to_onnx

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIDE = 4
SCALE, LEAST = 0.5, -2.0  # a weight's level 4 is zero

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="the package is JavaScript")


def listed(kind: str, *values: object) -> dict[str, Any]:
    return {"list": {kind: list(values)}}


def fused(*operators: str) -> dict[str, Any]:
    return {
        "fused_ops": listed("s", *(base64.b64encode(operator.encode()).decode() for operator in operators)),
        "strides": listed("i", "1", "2", "2", "1"),
    }


def constant(name: str) -> dict[str, Any]:
    return {"name": name, "op": "Const"}


NODES: list[dict[str, Any]] = [
    {"name": "in", "op": "Placeholder", "attr": {"shape": {"shape": {"dim": [{"size": "-1"}, *[{"size": "4"}] * 2]}}}},
    *(constant(name) for name in ("two", "one", "kernel", "kernel_bias", "deep", "deep_bias", "dense", "dense_bias")),
    {"name": "mul", "op": "Mul", "input": ["two", "in"]},
    {"name": "sub", "op": "Sub", "input": ["mul", "one"]},
    {
        "name": "conv",
        "op": "_FusedConv2D",
        "input": ["sub", "kernel", "kernel_bias"],
        "attr": fused("BiasAdd", "Relu6"),
    },
    {
        "name": "depthwise",
        "op": "FusedDepthwiseConv2dNative",
        "input": ["conv", "deep", "deep_bias"],
        "attr": fused("BiasAdd"),
    },
    {"name": "sum", "op": "AddV2", "input": ["depthwise", "depthwise"]},
    {"name": "pool", "op": "AvgPool", "input": ["sum"], "attr": {"ksize": listed("i", "1", "1", "1", "1")}},
    {"name": "flat", "op": "Squeeze", "input": ["pool"]},
    {"name": "logits", "op": "_FusedMatMul", "input": ["flat", "dense", "dense_bias"]},
    {"name": "softmax", "op": "Softmax", "input": ["logits"]},
    {"name": "out", "op": "Identity", "input": ["softmax"]},
]
SHAPES: dict[str, tuple[int, ...]] = {
    "two": (),
    "one": (),
    "kernel": (1, 1, 3, 2),
    "kernel_bias": (2,),
    "deep": (1, 1, 2, 1),
    "deep_bias": (2,),
    "dense": (2, 5),
    "dense_bias": (5,),
}


def levels() -> dict[str, NDArray[np.uint8]]:
    random = np.random.default_rng(3)
    made = {name: random.integers(0, 9, shape, dtype=np.uint8) for name, shape in SHAPES.items()}
    return made | {"two": np.array(8, np.uint8), "one": np.array(6, np.uint8)}  # 2.0 and 1.0


def package(folder: Path, *, nodes: list[dict[str, Any]] = NODES, dtype: str = "uint8", more: bytes = b"") -> Path:
    data = b"".join(each.tobytes() for each in levels().values()) + more
    how = {"min": LEAST, "scale": SCALE, "dtype": dtype}
    specs = [{"name": name, "shape": shape, "dtype": "float32", "quantization": how} for name, shape in SHAPES.items()]
    shards = {"one": data[:10], "two": data[10:]}
    model = {
        "modelTopology": {"node": nodes},
        "weightsManifest": [{"paths": list(shards), "weights": specs}],
    }
    files = {"model": model} | {name: base64.b64encode(shard).decode() for name, shard in shards.items()}
    tarball = folder / "package.tgz"
    with tarfile.open(tarball, "w:gz") as tar:
        for name, content in files.items():
            script = f"module.exports = {json.dumps(content)}".encode()
            entry = tarfile.TarInfo(f"package/dist/models/mobilenet_v2_mid/{name}.min.js")
            entry.size = len(script)
            tar.addfile(entry, io.BytesIO(script))
    return tarball


def test_the_network_computes_what_the_graph_says(tmp_path: Path) -> None:
    model = to_onnx(*read_package(package(tmp_path)))
    session: Any = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(5).random((1, SIDE, SIDE, 3), dtype=np.float32)
    (answers,) = session.run(["chances"], {"picture": picture})

    weights = {name: each * SCALE + LEAST for name, each in levels().items()}
    seen = (2 * picture - 1)[:, ::2, ::2]  # both convolutions look at every second pixel
    once = np.clip(seen @ weights["kernel"][0, 0] + weights["kernel_bias"], 0, 6)[:, ::2, ::2]
    twice = 2 * (once * weights["deep"][0, 0, :, 0] + weights["deep_bias"])
    powers = np.exp(twice.reshape(1, 2) @ weights["dense"] + weights["dense_bias"])
    assert np.allclose(answers, powers / powers.sum(), atol=1e-5)


def test_what_has_no_rule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="operator Erf"):
        to_onnx(*read_package(package(tmp_path, nodes=[{"name": "a", "op": "Erf"}])))
    with pytest.raises(SystemExit, match="two is not in 8 bits"):
        read_package(package(tmp_path, dtype="float16"))
    with pytest.raises(SystemExit, match="not those of its graph"):
        read_package(package(tmp_path, more=b"x"))
