"""Captured CUDA graphs: a step of some 3,000 kernels that the processor starts at once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from torch import Tensor

_KEPT: Final = 64  # graphs of one batch: two for each way in which some of its worlds can step together


@dataclass(frozen=True, slots=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    output: Tensor


class GraphRunner:
    """Runs functions of tensors, from graphs where that is possible.

    Whatever else a function reads, such as weights and caches, must stay where it is in memory. A function is run as it
    is when its key is first seen: that warms up libraries and compilers, which must not happen during a capture.
    """

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._seen: OrderedDict[Hashable, _Captured | None] = OrderedDict()
        self._pool = torch.cuda.graph_pool_handle() if enabled else None  # graphs run one at a time and can share it

    def run(self, key: Hashable | None, function: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> Tensor:
        """`function(*inputs)`. Calls of one key have inputs of the same shapes; what has none is run as it is."""
        if not self._enabled or key is None:
            return function(*inputs)
        if key not in self._seen:
            self._remember(key, None)
            return function(*inputs)
        captured = self._seen[key] or self._capture(function, inputs)
        self._remember(key, captured)
        for place, given in zip(captured.inputs, inputs, strict=True):
            place.copy_(given, non_blocking=True)
        captured.graph.replay()
        return captured.output.clone()

    def clear(self) -> None:
        """Forget all graphs, because something that they read has moved."""
        self._seen.clear()

    def _capture(self, function: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> _Captured:
        """Capturing computes nothing; the replay that follows does."""
        places = tuple(tensor.clone() for tensor in inputs)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            output = function(*places)
        return _Captured(graph, places, output)

    def _remember(self, key: Hashable, captured: _Captured | None) -> None:
        self._seen[key] = captured
        self._seen.move_to_end(key)
        while len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
