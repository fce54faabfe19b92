"""What other servers on the same database do to jobs: this one hears of it, and takes over from those that are gone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from error_types import DomainError

if TYPE_CHECKING:
    from handlers.jobs.board import JobBoard
    from handlers.jobs.runner import JobRunner
    from handlers.jobs.settlement import JobSettlement
    from handlers.peers.peers_handler import PeersHandler
    from services.job_store.job import JobId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

LISTEN_S: Final = 0.5
_PAGE: Final = 500
_LOOK_AT_ALL: Final = 60  # every so many times: a job that is removed leaves no notice


class JobsOfOthers:
    """Alone, a server has nothing to hear."""

    def __init__(
        self,
        board: JobBoard,
        runner: JobRunner,
        settlement: JobSettlement,
        peers: PeersHandler,
        *,
        listen_s: float = LISTEN_S,
    ) -> None:
        self._board = board
        self._runner = runner
        self._settlement = settlement
        self._peers = peers
        self._listen_s = listen_s
        self._heard = 0
        self._rounds = 0

    async def begin(self) -> None:
        """Hear of what happens from now on: what is so already is read by the settlement, which comes next."""
        await self._peers.known()
        while self._peers.are_possible:
            with suppress(DomainError):  # then nothing can be settled either, and the log says so already
                self._heard = await self._board.read(lambda store: store.newest_notice())
                return
            await asyncio.sleep(self._listen_s)

    async def follow(self) -> None:
        """Until it is cancelled. While the database is away, there is nothing to hear."""
        said = ""
        while self._peers.are_possible:
            try:
                await self.listen()
                await self.take_over()
                said = ""
            except DomainError as error:
                if error.message != said:
                    logger.warning("What other servers do to jobs cannot be heard", reason=error.message)
                said = error.message
            except Exception as error:  # the boundary of this work, which has to go on
                logger.exception("Jobs of other servers could not be seen to", exc_info=error)
            await asyncio.sleep(self._listen_s)

    async def listen(self) -> None:
        """See as the database has them: jobs that something has happened to, and now and then all that are known.

        Raises:
            DomainError: the database cannot be used.
        """
        while notices := await self._board.read(lambda store: store.notices(self._heard, limit=_PAGE)):
            for job_id in dict.fromkeys(notice.job for notice in notices):
                await self._see(job_id)
            self._heard = notices[-1].number
        self._rounds += 1
        if self._rounds % _LOOK_AT_ALL == 0:
            for live in self._board.live():
                await self._see(live.job.id)

    async def take_over(self) -> None:
        """Settle what servers have left that are gone. Raises: DomainError."""
        for job in await self._settlement.left([live.job for live in self._board.live()]):
            await self._settlement.settle_job(job)
        if gone := self._peers.gone():
            await self._peers.forget(gone)

    async def _see(self, job_id: JobId) -> None:
        """Stop this server's work on a job that is to be stopped, or that another one has by now."""
        await self._board.take_up(job_id)
        live = self._board.find_live(job_id)
        is_ours = live is not None and live.job.epoch == self._board.epoch
        if live is None or not is_ours or live.job.cancel_requested_at is not None:
            self._runner.stop(job_id)
