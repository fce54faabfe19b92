"""What lives inside a torch worker's process: a service, and the job that it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.torch_worker.torch_worker import Plain


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
