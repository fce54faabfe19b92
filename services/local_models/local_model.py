"""A model on this machine, in a worker's process of its own: a crash of it costs one answer, not a world."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from services.local_models.model_error import ModelError, ModelFault
from services.memory_planner.model_memory import ModelMemory
from services.torch_worker.torch_worker import TorchWorkerError, WorkerFault, WorkerReady, WorkerSpec, WorkerStopped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime_config.authoring_config import Quantisation
    from services.memory_planner.model_memory import ModelSize, Placement
    from services.torch_worker.torch_worker import Plain, TorchWorker

_IDLE_S: Final = 600.0  # then the model is unloaded

_FAULTS: Final = MappingProxyType(
    {
        WorkerFault.LOAD_FAILED: ModelFault.NOT_LOADED,
        WorkerFault.OUT_OF_MEMORY: ModelFault.OUT_OF_MEMORY,
    }
)


class ModelFiles(Protocol):
    """Where a model lies on this machine. Nothing heavy is imported to find out."""

    @property
    def folder(self) -> Path | None: ...

    @property
    def quant(self) -> Quantisation: ...

    def what_is_missing(self) -> str | None:
        """A sentence for the person who runs the server; None when the model can be loaded."""
        ...

    def size(self) -> ModelSize: ...


@dataclass(frozen=True, slots=True)
class ModelService:
    """How a model is served. `name` is what a person calls the model; `factory`, as `module:function`, builds its
    `WorkerService` from the options folder, placement, threads and quant.

    `work_bytes` is the memory that a call takes beyond the weights, the device's own share of a process included.
    `call_limit_s` is for one call, the wait for others included.
    """

    name: str
    factory: str
    work_bytes: int
    call_limit_s: float = 900.0  # whoever waits has a shorter limit


class LocalModel:
    """Calls come from one thread; `unload` and `close` may come from any, and block until the process is gone.

    The model is loaded by its first call, to where it was placed last.
    """

    def __init__(
        self,
        files: ModelFiles,
        service: ModelService,
        error_class: Callable[[ModelFault, str], ModelError],
        start: Callable[[WorkerSpec], TorchWorker],
    ) -> None:
        """`start` makes the worker; `error_class` makes what `call` raises."""
        self._files = files
        self._service = service
        self._error_class = error_class
        self._start = start
        self._worker: TorchWorker | None = None
        self._chosen: Placement | None = None

    @property
    def is_loaded(self) -> bool:
        return self._worker is not None and isinstance(self._worker.status(), WorkerReady)

    @property
    def memory(self) -> ModelMemory:
        """What it takes of this machine, and where it is or is being loaded to."""
        placement = self._chosen if self._is_running() else None
        return ModelMemory(self._files.size(), self._service.work_bytes, placement=placement)

    def place(self, placement: Placement) -> None:
        """Where to load it from its next start on; a model that is loaded stays where it is."""
        if not self._is_running() and placement != self._chosen:
            self._chosen, self._worker = placement, None

    async def call(self, method: str, payload: Plain, on_progress: Callable[[float], None] | None = None) -> Plain:
        """Ask the model. Cancelling stops it. `on_progress` gets fractions from 0 to 1 on the event loop.

        Raises:
            ModelError: of the class that was given: the model cannot be loaded, or it failed.
        """
        report = None
        if on_progress is not None:
            events, follow = asyncio.get_running_loop(), on_progress

            def report_fraction(progress: Plain) -> None:
                if isinstance(progress, float):
                    events.call_soon_threadsafe(follow, progress)

            report = report_fraction
        try:
            return await self.ask(method, payload, report)
        except TorchWorkerError as error:
            raise self._error_class(_FAULTS.get(error.fault, ModelFault.FAILED), str(error)) from error

    async def ask(self, method: str, payload: Plain, on_progress: Callable[[Plain], None] | None = None) -> Plain:
        """As `call`, with the faults of the worker, and progress of any kind on a thread of the worker.

        Raises:
            TorchWorkerError: the worker did not answer.
            ModelError: of the class that was given: the model is not there.
        """
        worker = self._usable_worker()
        return await asyncio.wrap_future(
            worker.submit(method, payload, timeout_s=self._service.call_limit_s, on_progress=on_progress)
        )

    def unload(self) -> None:
        if self._worker is not None:
            self._worker.unload()

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()

    def _is_running(self) -> bool:
        return self._worker is not None and not isinstance(self._worker.status(), WorkerStopped)

    def _usable_worker(self) -> TorchWorker:
        """The one that holds the model, or is about to load it."""
        missing = self._files.what_is_missing()
        if missing is not None:
            raise self._error_class(ModelFault.NOT_LOADED, missing)
        if self._worker is None:
            if self._chosen is None:
                message = f"Nothing says where the {self._service.name} is to be loaded."
                raise self._error_class(ModelFault.NOT_LOADED, message)
            self._worker = self._start(self._spec(self._chosen))
        return self._worker

    def _spec(self, placement: Placement) -> WorkerSpec:
        return WorkerSpec(
            name=self._service.name,
            factory=self._service.factory,
            options={
                "folder": str(self._files.folder),
                "placement": placement,
                "threads": 1,
                "quant": self._files.quant,
            },
            idle_s=_IDLE_S,
        )
