"""What a torch worker is: one service on torch in a process of its own, asked by messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

# What crosses the border between the processes. Tensors do not: whoever receives one would have to import torch.
Plain: TypeAlias = "bool | int | float | str | bytes | npt.NDArray[Any] | Sequence[Plain] | Mapping[str, Plain] | None"


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """Which service the process holds, and how it runs.

    `factory` is `module:function`, imported in the process alone; it gets `options` and gives back a `WorkerService`.
    `threads` bounds torch on the CPU, where the frame loop lives. After `idle_s` seconds without a call the process
    ends, and its memory comes back; None: it stays.
    """

    name: str
    factory: str
    options: Mapping[str, Plain] = field(default_factory=dict[str, Plain])
    threads: int = 1
    niceness: int = 10
    idle_s: float | None = None
    load_limit_s: float = 600.0
    cancel_grace_s: float = 10.0  # for a call that is to stop; then the process is ended


class WorkerFault(StrEnum):
    """Why a call was not answered."""

    DIED = "died"  # the process ended in the middle; the next call starts a new one
    LOAD_FAILED = "load_failed"  # the service could not be built
    OUT_OF_MEMORY = "out_of_memory"  # of the device or the machine, in loading or in a call
    CALL_FAILED = "call_failed"
    DEADLINE = "deadline"
    UNLOADED = "unloaded"  # the worker was unloaded or closed first


class TorchWorkerError(RuntimeError):
    """A call without an answer. `str()` of it is a sentence that names no path."""

    def __init__(self, fault: WorkerFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class WorkerDiedError(TorchWorkerError):
    """The process ended in the middle of a call."""

    def __init__(self, message: str) -> None:
        super().__init__(WorkerFault.DIED, message)


@dataclass(frozen=True, slots=True)
class WorkerStopped:
    """There is no process; the next call starts one."""


@dataclass(frozen=True, slots=True)
class WorkerLoading:
    pid: int | None


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """The service is in memory."""

    pid: int


WorkerStatus: TypeAlias = WorkerStopped | WorkerLoading | WorkerReady


class TorchWorker(Protocol):
    """Safe to use from several threads. Calls are answered one after the other, in the order in which they came."""

    def submit(
        self,
        method: str,
        payload: Plain,
        *,
        timeout_s: float,
        on_progress: Callable[[Plain], None] | None = None,
    ) -> Future[Plain]:
        """Ask the service; returns at once, and starts the process if there is none.

        Cancelling the future (or the asyncio future that wraps it) stops the call, also in mid-run. `timeout_s` counts
        from now, loading and waiting included. `on_progress` is called on a thread of the worker's, and must be quick.
        The future fails with a `TorchWorkerError`; a payload that is not plain raises `TypeError` here.
        """
        ...

    def status(self) -> WorkerStatus: ...

    def unload(self) -> None:
        """End the process, whatever it does, and wait until its memory is back. The next call starts a new one."""
        ...

    def close(self) -> None:
        """Unload, and refuse further calls. Idempotent."""
        ...


def check_plain(value: object) -> None:
    """Raises: TypeError, something in `value` may not cross."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return
    if isinstance(value, np.ndarray):
        if cast("npt.NDArray[Any]", value).dtype.hasobject:
            raise TypeError("An array of objects cannot be sent to or from a worker.")
    elif isinstance(value, list | tuple):
        for item in value:  # pyright: ignore[reportUnknownVariableType] - that is what is being checked
            check_plain(item)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, dict):
        for key, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(key, str):
                raise TypeError("The keys of what is sent to or from a worker are text.")
            check_plain(item)  # pyright: ignore[reportUnknownArgumentType]
    else:
        raise TypeError(f"A {type(value).__name__} cannot be sent to or from a worker.")
