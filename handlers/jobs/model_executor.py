"""Pulls of models: the bytes lie in the models' cache, so that a pull goes on from there after anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import StringConstraints

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.jobs.executor import AfterRestart, JobExecutor, JobRequest, Made
from handlers.library.pulls import PULL_KIND
from handlers.service_errors import service_errors_translated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from access_rules import Visitor
    from handlers.jobs.executor import Resource, RunningJob
    from handlers.library.pulls import Pulls
    from handlers.library.shelf import ModelShelf, ShelfModel
    from services.model_hub.model_hub import ModelHub, PullProgress
    from services.model_hub.repository import Repository

_LONGEST_S: Final = 7 * 24 * 3600.0  # tens of gigabytes over a slow line


class ModelRequest(JobRequest):
    model: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ModelExecutor(JobExecutor):
    """Pulls wait for one another on a lane of their own: two at a time would share the same line."""

    kind = PULL_KIND
    resource: Resource = "download"
    limit_s = _LONGEST_S
    request_model = ModelRequest
    stages = ("pulling",)
    after_restart = AfterRestart.GOES_ON
    keeps_files = False

    def __init__(
        self, shelf: ModelShelf, hub: ModelHub, pulls: Pulls, threads: Executor, *, after: Callable[[], None]
    ) -> None:
        """`after` blocks, and is called when files of a model may have come."""
        self._shelf = shelf
        self._hub = hub
        self._pulls = pulls
        self._threads = threads
        self._after = after

    async def check(self, visitor: Visitor, request: ModelRequest) -> None:
        del visitor
        if self._pulls.of(self._model(request.model)) is not None:
            message = f"{request.model} is being pulled already, or waits for its turn."
            raise DomainError(message, ErrorCode.MODEL_IN_USE)

    async def run(self, request: ModelRequest, running: RunningJob) -> Made:
        repositories = self._model(request.model).repositories
        progress = _Progress(repositories, running)
        revisions: dict[str, str | None] = {}
        try:
            for repository in repositories:
                with service_errors_translated():
                    pulled = await self._hub.pull(repository, progress.follow)
                progress.finish(pulled.size_bytes)
                revisions[repository.model_id] = pulled.revision
        finally:
            await in_thread(self._threads, self._after)
        return Made({"model": request.model, "bytes": progress.done_bytes, "revisions": revisions})

    def _model(self, model_id: str) -> ShelfModel:
        model = self._shelf.find(model_id)
        if model is None:
            raise DomainError(f"There is no model {model_id} in the library.", ErrorCode.UNKNOWN_MODEL)
        if not model.repositories:
            raise DomainError(f"{model_id} is part of the server: there is nothing to pull.", ErrorCode.MODEL_BUILT_IN)
        return model


class _Progress:
    """Of several repositories, one after the other. Those to come count by the size that is known of them."""

    def __init__(self, repositories: Sequence[Repository], running: RunningJob) -> None:
        self._running = running
        self._to_come = [repository.size_bytes for repository in repositories]
        self.done_bytes = 0  # of the repositories that are whole
        self._done_files = 0
        self._files = 0  # of the one that is being pulled

    def follow(self, progress: PullProgress) -> None:
        done = self.done_bytes + progress.done_bytes
        total = self.done_bytes + progress.total_bytes + sum(self._to_come[1:])
        self._files = progress.total_files
        amounts = {
            "done_bytes": done,
            "total_bytes": total,
            "done_files": self._done_files + progress.done_files,
            "total_files": self._done_files + progress.total_files,
        }
        self._running.tell("pulling", done / total if total else 1.0, amounts)

    def finish(self, size: int) -> None:
        self._to_come.pop(0)
        self.done_bytes += size
        self._done_files += self._files
