"""A torch worker that is started where it was told to live, when it is first asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.torch_worker.torch_worker import WorkerReady, WorkerStopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.memory_planner.model_memory import Placement
    from services.torch_worker.torch_worker import TorchWorker, WorkerSpec


class PlacedWorker:
    """Used by one thread at a time, but for `unload` and `close`, which block until the process is gone."""

    def __init__(self, start: Callable[[WorkerSpec], TorchWorker], spec_at: Callable[[Placement], WorkerSpec]) -> None:
        """`start` makes a worker of what `spec_at` says of a place."""
        self._start = start
        self._spec_at = spec_at
        self._worker: TorchWorker | None = None
        self._told: Placement | None = None

    @property
    def placement(self) -> Placement | None:
        """Where it is, or is being loaded to."""
        return self._told if self._is_running() else None

    @property
    def is_loaded(self) -> bool:
        return self._worker is not None and isinstance(self._worker.status(), WorkerReady)

    def place(self, placement: Placement) -> None:
        """Where it lives from its next start on; one that runs stays where it is."""
        if not self._is_running() and placement != self._told:
            self._told, self._worker = placement, None

    def get(self) -> TorchWorker | None:
        """The worker that holds the model, or is about to. None: nothing was said of its place."""
        if self._worker is None and self._told is not None:
            self._worker = self._start(self._spec_at(self._told))
        return self._worker

    def unload(self) -> None:
        if self._worker is not None:
            self._worker.unload()

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()

    def _is_running(self) -> bool:
        return self._worker is not None and not isinstance(self._worker.status(), WorkerStopped)
