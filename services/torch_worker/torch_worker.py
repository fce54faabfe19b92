"""The interface of torch workers: a service that uses torch, in a process of its own, called by messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

# The values that may cross between the processes. Tensors may not: the receiver would have to import torch.
Plain: TypeAlias = "bool | int | float | str | bytes | npt.NDArray[Any] | Sequence[Plain] | Mapping[str, Plain] | None"


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """Which service the process runs, and how.

    `factory` is `module:function`. It is imported in the process only, called with `options` as keyword arguments, and
    returns a `WorkerService`. `threads` limits torch's threads, because worlds in play need the CPU too. After
    `idle_s` seconds without a call the process ends, which frees its memory; None: it never ends by itself.
    """

    name: str
    factory: str
    options: Mapping[str, Plain] = field(default_factory=dict[str, Plain])
    threads: int = 1
    niceness: int = 10
    idle_s: float | None = None
    load_limit_s: float = 600.0
    cancel_grace_s: float = 10.0  # how long a cancelled call may take to stop before the process is killed


class WorkerFault(StrEnum):
    """Why a call was not answered."""

    DIED = "died"  # the process ended during the call; the next call starts a new one
    LOAD_FAILED = "load_failed"  # the service could not be built
    OUT_OF_MEMORY = "out_of_memory"  # on the device or in RAM, while loading or during a call
    CALL_FAILED = "call_failed"
    DEADLINE = "deadline"
    UNLOADED = "unloaded"  # the worker was unloaded or closed before it answered


class TorchWorkerError(RuntimeError):
    """A call was not answered. `str()` of it is a sentence for a person that names no path."""

    def __init__(self, fault: WorkerFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class WorkerDiedError(TorchWorkerError):
    """The process ended during a call."""

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
    """Safe to use from several threads. Calls are answered one at a time, in the order of `submit`."""

    def submit(
        self,
        method: str,
        payload: Plain,
        *,
        timeout_s: float,
        on_progress: Callable[[Plain], None] | None = None,
    ) -> Future[Plain]:
        """Call the service without blocking. Starts the process if there is none.

        Cancelling the future, or an asyncio future that wraps it, stops the call even while it runs. `timeout_s` counts
        from now and includes loading and waiting. `on_progress` is called on a thread of the worker and must be quick.
        If the call fails, the future raises `TorchWorkerError`.

        Raises:
            TypeError: `payload` contains something that is not a plain value.
        """
        ...

    def status(self) -> WorkerStatus: ...

    def unload(self) -> None:
        """End the process even during a call, and wait until its memory is free. The next call starts a new one."""
        ...

    def close(self) -> None:
        """Unload, and refuse further calls. Idempotent."""
        ...


def check_plain(value: object) -> None:
    """Check that `value` may be sent between the processes.

    Raises:
        TypeError: `value` contains something that is not a plain value.
    """
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
                raise TypeError("Mappings that are sent to or from a worker must have strings as keys.")
            check_plain(item)  # pyright: ignore[reportUnknownArgumentType]
    else:
        raise TypeError(f"A {type(value).__name__} cannot be sent to or from a worker.")
