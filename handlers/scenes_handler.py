"""Scenes without a session: generated in the background, kept among the seeds, listed and removed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, assert_never

import structlog

from api_types import SceneJobSummary, ScenesResponse
from error_types import DomainError, ErrorCode
from handlers.authoring_painter import SceneFor, failure_of
from handlers.base import in_thread
from state.app_state_types import AuthoringDone, AuthoringFailed, AuthoringRunning, AuthoringWaiting

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from access_rules import Visitor
    from handlers.authoring_handler import AuthoringHandler
    from handlers.authoring_painter import ScenePainter
    from handlers.seeds_handler import SeedsHandler
    from handlers.visitors_handler import VisitorsHandler
    from state.app_state_types import AuthoringJob, JobId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

# Of no engine in particular: each crops and scales a seed to its own.
_WIDTH: Final = 1280
_HEIGHT: Final = 720


class ScenesHandler:
    def __init__(
        self,
        authoring: AuthoringHandler,
        painter: ScenePainter,
        seeds: SeedsHandler,
        visitors: VisitorsHandler,
        work_threads: Executor,
    ) -> None:
        self._authoring = authoring
        self._painter = painter
        self._seeds = seeds
        self._visitors = visitors
        self._work_threads = work_threads
        self._tasks: dict[JobId, asyncio.Task[None]] = {}

    def list_scenes(self) -> ScenesResponse:
        return ScenesResponse(scenes=self._seeds.generated(), jobs=[_summary(job) for job in self._authoring.unowned()])

    async def generate(self, visitor: Visitor, prompt: str) -> SceneJobSummary:
        """Begin to generate a scene.

        Raises:
            DomainError: the prompt will not do, too many are waiting, there is no authoring, or the visitor has had too
                many pictures.
        """
        self._visitors.take_picture(visitor)
        try:
            job = await self._authoring.begin("scene", None, prompt)
        except BaseException:
            self._visitors.give_picture_back(visitor)
            raise
        task = self._tasks[job.id] = asyncio.create_task(self._run(job))
        task.add_done_callback(lambda _: self._ended(job.id, visitor))
        return _summary(job)

    def job(self, job_id: JobId) -> SceneJobSummary:
        """Raises: DomainError, there is no such job."""
        return _summary(self._find(job_id))

    async def cancel(self, job_id: JobId) -> None:
        """Give a job up; one that is over stays as it is.

        Raises:
            DomainError: there is no such job.
        """
        self._find(job_id)
        task = self._tasks.get(job_id)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def remove(self, seed_hash: str) -> None:
        """Raises: DomainError, it is unknown, no generated scene, or cannot be removed."""
        if all(scene.hash != seed_hash for scene in self._seeds.generated()):
            raise DomainError("There is no such scene.", ErrorCode.SEED_UNKNOWN)
        self._seeds.remove(seed_hash)

    async def close(self) -> None:
        """Give up what runs."""
        tasks = set(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self, job: AuthoringJob) -> None:
        """The boundary of a job: whatever happens ends up in its state."""
        try:
            limit_s = self._authoring.config.job_limit_s
            try:
                async with asyncio.timeout(limit_s):
                    scene = await self._painter.paint(job, SceneFor(_WIDTH, _HEIGHT), lambda _step, _fraction: None)
            except TimeoutError as error:
                raise DomainError(f"This took longer than {limit_s:.0f} s.", ErrorCode.REQUEST_TIMEOUT) from error
            await in_thread(self._work_threads, lambda: self._seeds.keep_generated(scene.file, job.prompt))
        except BaseException as error:  # the task ends here; the job says how
            failure = failure_of(error)
            self._authoring.move(job.id, AuthoringFailed(failure.code, failure.message))
            if failure.code is ErrorCode.INTERNAL:
                logger.exception("A scene failed", exc_info=error)
            else:
                logger.info("A scene was not generated", code=failure.code.value, reason=failure.message)
        else:
            self._authoring.move(job.id, AuthoringDone(scene.hash))
            logger.info("A scene was generated", hash=scene.hash)

    def _ended(self, job_id: JobId, visitor: Visitor) -> None:
        del self._tasks[job_id]
        job = self._authoring.find(job_id)
        if job is None or not isinstance(job.state, AuthoringDone):
            self._visitors.give_picture_back(visitor)

    def _find(self, job_id: JobId) -> AuthoringJob:
        found = self._authoring.find(job_id)
        if found is None or found.owner is not None:
            raise DomainError("There is no such scene under way.", ErrorCode.SCENE_JOB_UNKNOWN)
        return found


def _summary(job: AuthoringJob) -> SceneJobSummary:
    state = job.state
    plain = SceneJobSummary(id=job.id, prompt=job.prompt, created_at=job.created_at, state="waiting")
    match state:
        case AuthoringWaiting():
            return plain
        case AuthoringRunning(step, fraction):
            return plain.model_copy(update={"state": "running", "step": step.value, "fraction": fraction})
        case AuthoringDone(picture_hash):
            return plain.model_copy(update={"state": "done", "seed_hash": picture_hash})
        case AuthoringFailed(code, message):
            cancelled = code is ErrorCode.CANCELLED
            update = {"state": "cancelled" if cancelled else "failed", "code": code.value, "message": message}
            return plain.model_copy(update=update)
        case _:
            assert_never(state)
