"""Films of saved worlds, as `terrarium replay` makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import StringConstraints

from handlers.base import in_thread, unstoppable
from handlers.jobs.executor import JobRequest
from handlers.service_errors import service_errors_translated

if TYPE_CHECKING:
    from collections.abc import Collection
    from concurrent.futures import Executor
    from pathlib import Path

    from access_rules import Visitor
    from handlers.jobs.executor import Resource, RunningJob
    from handlers.world_files_handler import WorldFilesHandler
    from services.film_maker.film_folder import FilmFolder
    from services.film_maker.film_maker import FilmMaker
    from services.job_store.job import Job, JobId, Json

_LONGEST_S: Final = 12 * 3600.0  # a walk of an hour takes some hours in a large engine


class FilmRequest(JobRequest):
    world_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class FilmExecutor:
    """A `JobExecutor`."""

    kind = "replay_film"
    resource: Resource = "cpu"
    limit_s = _LONGEST_S
    begins_again = True
    request_model = FilmRequest

    def __init__(self, world_files: WorldFilesHandler, maker: FilmMaker, films: FilmFolder, threads: Executor) -> None:
        self._world_files = world_files
        self._maker = maker
        self._films = films
        self._threads = threads

    async def check(self, visitor: Visitor, request: FilmRequest) -> None:
        await in_thread(self._threads, lambda: self._world_files.file(visitor, request.world_id))

    async def run(self, request: FilmRequest, running: RunningJob) -> Json:
        job_id = running.job.id
        world, name = await in_thread(self._threads, lambda: self._world_files.file_of_any(request.world_id))
        try:
            with service_errors_translated():
                film = await in_thread(self._threads, lambda: self._films.prepare(job_id))
                running.tell("filming")
                report = await self._maker.make(world, film, lambda done: running.tell("filming", done))
            await running.begin_finish()
        except BaseException:  # cancelled, too: half a film is no film
            await unstoppable(in_thread(self._threads, lambda: self._films.remove(job_id)))
            raise
        size = await in_thread(self._threads, lambda: film.stat().st_size)
        return {
            "title": name.removesuffix(".world"),
            "bytes": size,
            "passes": report.passes,
            "digest": report.digest,
            "is_exact": report.is_exact,
            "sentences": list(report.sentences[1:]),  # the first names the file where it lies on this machine
        }

    def file(self, job: Job) -> Path | None:
        return self._films.find(job.id)

    def discard(self, job: Job) -> None:
        self._films.remove(job.id)

    def sweep(self, known: Collection[JobId]) -> None:
        self._films.sweep(known)
