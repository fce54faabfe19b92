"""The interfaces inside a worker's process: the service, and the job that represents its current call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.torch_worker.torch_worker import Plain


class JobCancelledError(Exception):
    """Raised by `Job.check` to stop a call that nobody waits for any more."""


class ServiceRefusalError(Exception):
    """The service cannot be built, or cannot do what was asked. `str()` is a sentence for a person, without paths."""


class Job(Protocol):
    def report(self, progress: Plain) -> None:
        """Report progress to the caller."""
        ...

    def check(self) -> None:
        """Stop the call if it was cancelled. Services call this between steps.

        Raises:
            JobCancelledError: the call was cancelled, or its deadline has passed.
        """
        ...


class WorkerService(Protocol):
    def handle(self, method: str, payload: Plain, job: Job) -> Plain:
        """Answer one call, on the main thread of the process.

        Any exception becomes the `TorchWorkerError` of the call. Running out of memory is recognised and reported as
        such.
        """
        ...
