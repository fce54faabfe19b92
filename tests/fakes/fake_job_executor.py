"""A kind of job whose work a test holds and lets go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from handlers.jobs.executor import AfterRestart, JobExecutor, JobRequest, Made, MadeFile

if TYPE_CHECKING:
    from pathlib import Path

    from access_rules import Visitor
    from handlers.jobs.executor import Resource, RunningJob
    from services.job_store.job import Job


class FakeJobRequest(JobRequest):
    name: str = "a"
    size: int = 0  # bytes of a file to be made


class FakeJobExecutor(JobExecutor):
    """Jobs named in `failing` raise what it says. While held, a job waits in its middle, or in its finish."""

    request_model = FakeJobRequest
    stages = ("working",)

    def __init__(
        self,
        kind: str = "fake",
        resource: Resource = "cpu",
        *,
        after_restart: AfterRestart = AfterRestart.BEGINS_AGAIN,
        keeps_files: bool = True,
    ) -> None:
        self.kind = kind
        self.resource: Resource = resource
        self.limit_s = 3600.0
        self.after_restart = after_restart
        self.keeps_files = keeps_files
        self.failing: dict[str, Exception] = {}
        self.failing_finish: dict[str, Exception] = {}
        self.begun: list[str] = []
        self.stopped: list[str] = []
        self.finished: list[str] = []
        self.found: list[list[str]] = []
        self.refusal: Exception | None = None
        self._free = asyncio.Event()
        self._free.set()
        self._may_finish = asyncio.Event()
        self._may_finish.set()

    def hold(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    def hold_finish(self) -> None:
        self._may_finish.clear()

    def release_finish(self) -> None:
        self._may_finish.set()

    async def check(self, visitor: Visitor, request: FakeJobRequest) -> None:
        del visitor, request
        if self.refusal is not None:
            raise self.refusal

    async def run(self, request: FakeJobRequest, running: RunningJob) -> Made:
        self.begun.append(request.name)
        self.found.append(sorted(path.name for path in running.folder.iterdir()))
        try:
            running.tell("working", 0.5)
            (running.folder / "half").write_bytes(b"half")
            await self._free.wait()
            if (error := self.failing.get(request.name)) is not None:
                raise error
        except asyncio.CancelledError:
            self.stopped.append(request.name)
            raise
        if not request.size:
            return Made({"name": request.name})
        (running.folder / "made.bin").write_bytes(b"x" * request.size)
        return Made({"name": request.name}, (MadeFile("made", "made.bin"),))

    async def finish(self, request: FakeJobRequest, job: Job, folder: Path) -> None:
        assert all((folder / file.path).stat().st_size == file.bytes for file in job.files)
        await self._may_finish.wait()
        if (error := self.failing_finish.get(request.name)) is not None:
            raise error
        self.finished.append(request.name)
