"""The graphs on ONNX Runtime: fp32 on the processor, one thread a call, so that the same call gives the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - it ships none

from world_model.config import DISPARITY
from world_model.weights import PLAYED, WeightsError, read_weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from world_model.weights import Manifest

Floats = np.ndarray[Any, np.dtype[np.float32]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_PROVIDERS: Final = ("CPUExecutionProvider",)


class GraphInput(Protocol):
    @property
    def name(self) -> str: ...


class GraphSession(Protocol):
    def get_inputs(self) -> Sequence[GraphInput]: ...

    def run(self, output_names: None, input_feed: Mapping[str, NDArray[Any]]) -> Sequence[Any]: ...


class Runtime:
    """Weights, shared by all worlds; any number of threads may call. Shapes: see `world_model.graphs`.

    It may have some of the graphs alone, for whoever needs no others.
    """

    def __init__(self, manifest: Manifest, graphs: Mapping[str, bytes]) -> None:
        """Raises:
        WeightsError: ONNX Runtime cannot load a graph.
        """
        self.config, self.weights_hash = manifest.config, manifest.weights_hash
        onnxruntime.disable_telemetry_events()  # pyright: ignore[reportUnknownMemberType] - untyped
        self._sessions = {name: _open_graph(name, graph) for name, graph in graphs.items()}
        self._input_names = {
            name: tuple(one.name for one in session.get_inputs()) for name, session in self._sessions.items()
        }

    def start(self, picture: Bytes) -> Bytes:
        return self.run("start", picture)[0]

    def walk(self, view: Bytes | None, past: Floats, intent: Floats, turn: float, slope: float) -> Floats:
        """Without a view the ground is level and open."""
        sure = _one(float(view is not None))
        if view is None:
            view = np.zeros((DISPARITY + 1, self.config.height, self.config.width), dtype=np.uint8)
        return self.run("walk", view, past, intent, _one(turn), _one(slope), sure)[0]

    def see(self, picture: Bytes, slope: float) -> tuple[Bytes, Floats]:
        rgba, relief = self.run("see", picture, _one(slope))
        return rgba, relief

    def run(self, graph: str, *inputs: NDArray[Any]) -> Sequence[Any]:
        """The outputs of a graph, in their order; inputs are matched by position."""
        session = self._sessions[graph]
        return session.run(None, dict(zip(self._input_names[graph], inputs, strict=True)))


def load_runtime(folder: Path, names: Iterable[str] = PLAYED) -> Runtime:
    """With the graphs of these names.

    Raises:
        WeightsError: the weights are missing, damaged or of another version.
    """
    return Runtime(*read_weights(folder, names))


def _open_graph(name: str, graph: bytes) -> GraphSession:
    """Raises:
    WeightsError: ONNX Runtime cannot load the graph.
    """
    options: Any = onnxruntime.SessionOptions()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - untyped
    options.intra_op_num_threads = 1  # worlds run side by side; a sum split over threads could round differently
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=list(_PROVIDERS))
    except Exception as error:  # the runtime's exceptions share no base class
        raise WeightsError(f"ONNX Runtime {onnxruntime.__version__} cannot load the graph '{name}'.") from error


def _one(value: float) -> Floats:
    return np.array([value], dtype=np.float32)
