"""Films of saved worlds: their inputs are played again, in the engine that plays them for people."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import StringConstraints

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.jobs.executor import JobExecutor, JobRequest, Made, MadeFile
from handlers.jobs.spare_play import KEEPING, LOADING, WAITING
from handlers.service_errors import service_errors_translated
from replay.engines import find_entry
from replay.film_run import FilmRun
from replay.plan import ReplayError, ReplayPlan, plan_of_world
from state.app_state_types import EngineKey

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Executor
    from pathlib import Path

    from access_rules import Visitor
    from handlers.jobs.executor import Resource, RunningJob
    from handlers.jobs.spare_play import SparePlay
    from handlers.world_files_handler import WorldFilesHandler
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.video_writer.video_writer import VideoWriter
    from services.world_engine.catalogue import WorldEngineCatalogue

_FILM: Final = "film.mp4"
_FILMING: Final = "filming"
_LONGEST_S: Final = 24 * 3600.0  # a walk of an hour takes some hours in a large engine, and somebody may play all day


class FilmRequest(JobRequest):
    world_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class FilmExecutor(JobExecutor):
    """It films while nobody plays where the engine of the world runs, as `SparePlay` does."""

    kind = "replay_film"
    resource: Resource = "cpu"
    limit_s = _LONGEST_S
    request_model = FilmRequest
    stages = (WAITING, LOADING, _FILMING, KEEPING)

    def __init__(
        self,
        catalogue: WorldEngineCatalogue,
        play: SparePlay,
        world_files: WorldFilesHandler,
        *,
        video_writer: VideoWriter,
        frame_encoder: FrameEncoder,
        threads: Executor,
    ) -> None:
        self._catalogue = catalogue
        self._play = play
        self._world_files = world_files
        self._video_writer = video_writer
        self._frame_encoder = frame_encoder
        self._threads = threads

    async def check(self, visitor: Visitor, request: FilmRequest) -> None:
        await in_thread(self._threads, lambda: self._world_files.file(visitor, request.world_id))

    async def run(self, request: FilmRequest, running: RunningJob) -> Made:
        world, name = await in_thread(self._threads, lambda: self._world_files.file_of_any(request.world_id))
        film = running.folder / _FILM
        with _told():
            plan = await in_thread(self._threads, lambda: plan_of_world(world))
            report = await self._play.play(
                self._key(plan),
                running,
                begin=lambda _: in_thread(self._threads, lambda: self._begun(plan, film)),
                finish=FilmRun.finish,
                stage=_FILMING,
            )
        size = await in_thread(self._threads, lambda: film.stat().st_size)
        result = {
            "title": name.removesuffix(".world"),
            "bytes": size,
            "passes": report.passes,
            "digest": report.digest,
            "is_exact": report.is_exact,
            "sentences": list(report.sentences[1:]),  # the first names the file where it lies on this machine
        }
        return Made(result, (MadeFile("film", _FILM),))

    def _key(self, plan: ReplayPlan) -> EngineKey:
        """Raises: ReplayError, DomainError, its engine is not here."""
        entry = find_entry(self._catalogue, plan.model)
        if entry.missing is not None:
            raise DomainError(entry.missing, ErrorCode.MODEL_LOAD_FAILED)
        if (not_pulled := entry.not_pulled()) is not None:
            raise DomainError(not_pulled, ErrorCode.MODEL_NOT_PULLED)
        return EngineKey(entry.model_id, plan.model.quant)

    def _begun(self, plan: ReplayPlan, film: Path) -> FilmRun:
        return FilmRun(plan, film, self._video_writer, self._frame_encoder)


@contextmanager
def _told() -> Generator[None]:
    try:
        with service_errors_translated():
            yield
    except ReplayError as error:
        raise DomainError(error.message, ErrorCode.FILM_FAILED) from error
