"""How long jobs that have ended are remembered, and how much of the disk their files may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handlers.base import in_thread
from services.job_store.job import ENDED
from services.job_store.job_store import JobQuery

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor

    from handlers.jobs.board import JobBoard
    from runtime_config.current import Current
    from runtime_config.runtime_config import JobsConfig
    from services.clock.clock import Clock
    from services.job_folder.job_folder import JobFolder
    from services.job_store.job import Job, JobId
    from services.job_store.job_store import JobStore

_PAGE: Final = 500


class JobRetention:
    """Jobs that have not ended are never looked at."""

    def __init__(
        self, board: JobBoard, *, config: Current[JobsConfig], folder: JobFolder, threads: Executor, clock: Clock
    ) -> None:
        self._board = board
        self._config = config
        self._folder = folder
        self._threads = threads
        self._clock = clock

    async def prune(self) -> None:
        """Forget the jobs that ended too long ago or before too many others of their kind, and keys of a day ago.

        Raises:
            DomainError: the database cannot be used.
        """
        now = self._clock.wall()
        found = await self._board.read(lambda store: self._too_many(_ended(store), now))
        await self.forget(found)
        await self._board.change_store(lambda store: store.forget_keys(now - self._config.now.key_s))

    async def forget(self, job_ids: list[JobId]) -> None:
        """The rows go first: the files of a job that nobody knows are removed by the next start at the latest."""
        if not job_ids:
            return
        await self._board.change_store(lambda store: store.remove(job_ids))
        await in_thread(self._threads, lambda: [self._folder.remove(job_id) for job_id in job_ids])

    def _too_many(self, newest_first: Iterable[Job], now: float) -> list[JobId]:
        counts: dict[str, int] = {}
        sizes: dict[str, int] = {}
        found: list[JobId] = []
        for job in newest_first:
            count = counts[job.kind] = counts.get(job.kind, 0) + 1
            own = sum(file.bytes for file in job.files)
            size = sizes.get(job.kind, 0) + own
            is_old = (job.ended_at or now) < now - self._config.now.kept_s
            if is_old or count > self._config.now.kept or (own and size > self._config.now.kept_bytes):
                found.append(job.id)
            else:
                sizes[job.kind] = size
        return found


def _ended(store: JobStore) -> Iterable[Job]:
    before: JobId | None = None
    while page := store.query(JobQuery(states=ENDED, before=before, limit=_PAGE)):
        yield from page
        before = page[-1].id
