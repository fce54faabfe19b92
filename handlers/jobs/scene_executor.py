"""Scenes that no session waits for: made from words, and kept among the seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handlers.authoring_painter import SceneFor, SceneWanted
from handlers.base import in_thread
from handlers.jobs.executor import JobRequest

if TYPE_CHECKING:
    from collections.abc import Collection
    from concurrent.futures import Executor
    from pathlib import Path

    from access_rules import Visitor
    from handlers.authoring_handler import AuthoringHandler
    from handlers.authoring_painter import ScenePainter
    from handlers.jobs.executor import Resource, RunningJob
    from handlers.seeds_handler import SeedsHandler
    from services.job_store.job import Job, JobId, Json

# Of no engine in particular: each crops and scales a seed to its own.
_WIDTH: Final = 1280
_HEIGHT: Final = 720


class SceneRequest(JobRequest):
    prompt: str


class SceneExecutor:
    """A `JobExecutor`. A scene stays when its job is forgotten: it belongs to the gallery."""

    kind = "scene"
    resource: Resource = "models"
    begins_again = True
    request_model = SceneRequest

    def __init__(
        self, authoring: AuthoringHandler, painter: ScenePainter, seeds: SeedsHandler, threads: Executor
    ) -> None:
        self._authoring = authoring
        self._painter = painter
        self._seeds = seeds
        self._threads = threads
        self.limit_s = authoring.config.job_limit_s

    async def check(self, visitor: Visitor, request: SceneRequest) -> None:
        del visitor
        await self._authoring.check(request.prompt)

    async def run(self, request: SceneRequest, running: RunningJob) -> Json:
        prompt = await self._authoring.check(request.prompt)
        scene = await self._painter.paint(SceneWanted("scene", prompt), SceneFor(_WIDTH, _HEIGHT), running.tell)
        await running.begin_finish()
        await in_thread(self._threads, lambda: self._seeds.keep_generated(running.owner, scene.file, prompt))
        return {"seed_hash": scene.hash}

    def file(self, job: Job) -> Path | None:
        del job
        return None

    def discard(self, job: Job) -> None:
        del job

    def sweep(self, known: Collection[JobId]) -> None:
        del known
