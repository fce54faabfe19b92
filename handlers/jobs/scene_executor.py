"""Scenes that no session waits for: made from words, and kept among the seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from handlers.authoring_painter import SceneFor, SceneWanted
from handlers.base import in_thread
from handlers.jobs.executor import JobRequest
from runtime_config.authoring_config import LONGEST_PROMPT

if TYPE_CHECKING:
    from collections.abc import Collection
    from concurrent.futures import Executor
    from pathlib import Path

    from handlers.authoring_handler import AuthoringHandler
    from handlers.authoring_painter import ScenePainter
    from handlers.jobs.executor import Resource, RunningJob
    from handlers.seeds_handler import SeedsHandler
    from services.job_store.job import Job, JobId, Json

# Of no engine in particular: each crops and scales a seed to its own.
_WIDTH: Final = 1280
_HEIGHT: Final = 720


class SceneRequest(JobRequest):
    """`prompt` has something to read: a letter, a digit, a sign. `AuthoringHandler` refuses any other in words."""

    prompt: Annotated[
        str,
        Field(
            json_schema_extra={"minLength": 1, "maxLength": LONGEST_PROMPT, "pattern": r"[\p{L}\p{M}\p{N}\p{P}\p{S}]"}
        ),
    ]


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

    async def check(self, request: SceneRequest) -> None:
        await self._authoring.check(request.prompt)

    async def run(self, request: SceneRequest, running: RunningJob) -> Json:
        prompt = await self._authoring.check(request.prompt)
        scene = await self._painter.paint(SceneWanted("scene", prompt), SceneFor(_WIDTH, _HEIGHT), running.tell)
        await running.begin_finish()
        await in_thread(self._threads, lambda: self._seeds.keep_generated(scene.file, prompt))
        return {"seed_hash": scene.hash}

    def file(self, job: Job) -> Path | None:
        del job
        return None

    def discard(self, job: Job) -> None:
        del job

    def sweep(self, known: Collection[JobId]) -> None:
        del known
