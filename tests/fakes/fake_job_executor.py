"""A kind of job whose work a test holds and lets go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from handlers.jobs.executor import JobRequest

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from access_rules import Visitor
    from handlers.jobs.executor import Resource, RunningJob
    from services.job_store.job import Job, Json


class FakeJobRequest(JobRequest):
    name: str = "a"


class FakeJobExecutor:
    """A `JobExecutor`. Jobs named in `failing` raise what it says. While held, a job waits in its middle."""

    request_model = FakeJobRequest
    limit_s = 3600.0

    def __init__(self, kind: str = "fake", resource: Resource = "cpu", *, begins_again: bool = True) -> None:
        self.kind = kind
        self.resource: Resource = resource
        self.begins_again = begins_again
        self.failing: dict[str, Exception] = {}
        self.begun: list[str] = []
        self.stopped: list[str] = []
        self.discarded: list[str] = []
        self.swept: list[frozenset[str]] = []
        self.refusal: Exception | None = None
        self._free = asyncio.Event()
        self._free.set()

    def hold(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    async def check(self, visitor: Visitor, request: FakeJobRequest) -> None:
        del visitor, request
        if self.refusal is not None:
            raise self.refusal

    async def run(self, request: FakeJobRequest, running: RunningJob) -> Json:
        self.begun.append(request.name)
        try:
            running.tell("working", 0.5)
            await self._free.wait()
            if (error := self.failing.get(request.name)) is not None:
                raise error
        except asyncio.CancelledError:
            self.stopped.append(request.name)
            raise
        await running.begin_finish()
        return {"name": request.name}

    def file(self, job: Job) -> Path | None:
        del job
        return None

    def sweep(self, known: Collection[str]) -> None:
        self.swept.append(frozenset(known))

    def discard(self, job: Job) -> None:
        self.discarded.append(job.id)
