"""What lives inside a torch worker's process: a service, and the job that it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from services.torch_worker.torch_worker import Plain

# What libraries say where they have no exception of their own for it.
_MEMORY_PHRASES: Final = (
    *("out of memory", "not enough memory", "allocate memory", "failed to allocate"),
    "can't start new thread",  # its stack is memory as well
)


class JobCancelledError(Exception):
    """Nobody waits for the answer any more: leave at once."""


class ServiceRefusalError(Exception):
    """The service cannot be built, or not do this. `str()` of it is a sentence for a person that names no path."""


class Job(Protocol):
    def report(self, progress: Plain) -> None:
        """Tell who asked how far it is."""
        ...

    def check(self) -> None:
        """Call it between steps.

        Raises:
            JobCancelledError: the call was cancelled, or its time is up.
        """
        ...


class WorkerService(Protocol):
    def handle(self, method: str, payload: Plain, job: Job) -> Plain:
        """Answer one call, on the process's main thread. Whatever it raises becomes the call's `TorchWorkerError`;
        running out of memory is recognised."""
        ...


def is_out_of_memory(error: BaseException) -> bool:
    """Of the device or the machine."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, without importing it
        return True
    return isinstance(error, RuntimeError | OSError | ImportError) and any(
        phrase in str(error).lower() for phrase in _MEMORY_PHRASES
    )
