"""Where a process of its own gets Moss's depth network from, and whether it could. Nothing heavy is imported."""

from __future__ import annotations

from runtime_config.constants import MOSS_DIR
from services.machine import is_installed
from services.world_engine.depth.depth import DepthSource
from world_model.weights import graph_path


def moss_depth_source() -> DepthSource:
    return DepthSource("services.world_engine.depth.moss_depth:open_moss_depth", _what_is_missing)


def _what_is_missing() -> str | None:
    if not is_installed("onnxruntime"):
        return "Depth is found by a network that needs ONNX Runtime, which is not installed."
    if not graph_path(MOSS_DIR, "start").is_file():
        return "The network that finds depth is missing from assets/moss. Install the server again."
    return None
