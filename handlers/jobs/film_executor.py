"""Films of saved worlds, as `terrarium replay` makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import StringConstraints

from handlers.base import in_thread
from handlers.jobs.executor import JobExecutor, JobRequest, Made, MadeFile
from handlers.service_errors import service_errors_translated

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from access_rules import Visitor
    from handlers.jobs.executor import Resource, RunningJob
    from handlers.world_files_handler import WorldFilesHandler
    from services.film_maker.film_maker import FilmMaker

_FILM: Final = "film.mp4"
_LONGEST_S: Final = 12 * 3600.0  # a walk of an hour takes some hours in a large engine


class FilmRequest(JobRequest):
    world_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class FilmExecutor(JobExecutor):
    kind = "replay_film"
    resource: Resource = "cpu"
    limit_s = _LONGEST_S
    request_model = FilmRequest
    stages = ("filming",)

    def __init__(self, world_files: WorldFilesHandler, maker: FilmMaker, threads: Executor) -> None:
        self._world_files = world_files
        self._maker = maker
        self._threads = threads

    async def check(self, visitor: Visitor, request: FilmRequest) -> None:
        await in_thread(self._threads, lambda: self._world_files.file(visitor, request.world_id))

    async def run(self, request: FilmRequest, running: RunningJob) -> Made:
        world, name = await in_thread(self._threads, lambda: self._world_files.file_of_any(request.world_id))
        film = running.folder / _FILM
        running.tell("filming")
        with service_errors_translated():
            report = await self._maker.make(world, film, lambda done: running.tell("filming", done))
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
