"""Scenes that no session waits for: made from words, and kept among the seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, StringConstraints

from access_rules import Owner
from handlers.authoring_painter import ChangeOf, SceneFor, SceneWanted
from handlers.base import in_thread
from handlers.jobs.executor import JobExecutor, JobRequest, Made, MadeFile
from runtime_config.authoring_config import LONGEST_PROMPT
from services.prompt_writer.plain_text import plain_text

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    from access_rules import Visitor
    from handlers.authoring_handler import AuthoringHandler
    from handlers.authoring_painter import ScenePainter
    from handlers.jobs.executor import Resource, RunningJob
    from handlers.seeds_handler import SeedsHandler
    from services.job_store.job import Job
    from services.world_engine.world_engine import Picture

# Of no engine in particular: each crops and scales a seed to its own.
_WIDTH: Final = 1280
_HEIGHT: Final = 720
_PICTURE: Final = "picture.jpg"


class SceneRequest(JobRequest):
    """`prompt` has something to read: a letter, a digit, a sign. `AuthoringHandler` refuses any other in words.

    `of` is the picture of the gallery that is changed, by its hash; without one, a scene is made out of nothing.
    """

    prompt: Annotated[
        str,
        Field(
            json_schema_extra={"minLength": 1, "maxLength": LONGEST_PROMPT, "pattern": r"[\p{L}\p{M}\p{N}\p{P}\p{S}]"}
        ),
    ]
    of: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class SceneExecutor(JobExecutor):
    """A scene belongs to the gallery, and stays when its job is forgotten."""

    kind = "scene"
    resource: Resource = "models"
    request_model = SceneRequest
    stages = ("writing", "painting", "checking")
    keeps_files = False

    def __init__(
        self, authoring: AuthoringHandler, painter: ScenePainter, seeds: SeedsHandler, threads: Executor
    ) -> None:
        self._authoring = authoring
        self._painter = painter
        self._seeds = seeds
        self._threads = threads
        self.limit_s = authoring.config.job_limit_s

    async def check(self, visitor: Visitor, request: SceneRequest) -> None:
        await self._authoring.check(request.prompt)
        if (of := request.of) is not None:
            await in_thread(self._threads, lambda: self._seeds.from_store(visitor, of))

    async def run(self, request: SceneRequest, running: RunningJob) -> Made:
        prompt = await self._authoring.check(request.prompt)
        if (of := request.of) is None:
            wanted, painting = SceneWanted("scene", prompt), SceneFor(_WIDTH, _HEIGHT)
        else:
            wanted = SceneWanted("edit", prompt)
            painting = ChangeOf(await in_thread(self._threads, lambda: self._picture(of)))
        scene = await self._painter.paint(wanted, painting, running.tell)
        await in_thread(self._threads, lambda: (running.folder / _PICTURE).write_bytes(scene.file))
        return Made({"seed_hash": scene.hash}, (MadeFile("picture", _PICTURE),))

    async def finish(self, request: SceneRequest, job: Job, folder: Path) -> None:
        picture = await in_thread(self._threads, (folder / _PICTURE).read_bytes)
        await in_thread(
            self._threads, lambda: self._seeds.keep_generated(job.owner, picture, plain_text(request.prompt))
        )

    def _picture(self, of: str) -> Picture:
        """It was the asker's when they asked, and whoever runs the job is let in to all of it."""
        return self._seeds.decode(self._seeds.from_store(Owner(), of), width=_WIDTH, height=_HEIGHT)
