"""Copies the world of one session as it is played, where servers share a folder, in case this one dies."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from handlers.base import in_thread
from handlers.session.copied_world import copy_of
from services.outlasting import unstoppable
from services.world_copies.world_copies import WorldCopiesError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from handlers.session.play import SessionPlay
    from handlers.session.resumption import SessionResumption
    from services.world_copies.world_copies import WorldCopies, WorldCopy
    from services.world_engine.world_engine import WorldSnapshot

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_EVERY_S: Final = 1.0  # as often as a checkpoint is taken
_BYTES_A_SECOND: Final = 16 << 20  # of one session at most: large worlds are copied less often


class WorldCopier:
    def __init__(
        self, copies: WorldCopies, play: SessionPlay, resumption: SessionResumption, threads: Executor
    ) -> None:
        self._copies = copies
        self._play = play
        self._resumption = resumption
        self._threads = threads

    async def run(self) -> None:
        """Copy the world as often as its size allows, until it is cancelled. A write that has begun is finished."""
        last: WorldSnapshot | None = None
        said = ""
        every_s = _EVERY_S
        while True:
            await asyncio.sleep(every_s)
            actor, names = self._play.actor, self._resumption.copy_names
            if actor is None or not names:
                continue
            copy = copy_of(actor.world.active, actor.world.history, every_s)
            every_s = max(_EVERY_S, copy.snapshot.size / _BYTES_A_SECOND)
            is_same, last = copy.snapshot is last, copy.snapshot
            writing = in_thread(self._threads, lambda: self._write(copy, names, is_same=is_same))  # noqa: B023 -- awaited here
            try:
                await unstoppable(writing)
                said = ""
            except WorldCopiesError as error:
                last = None
                if str(error) != said:
                    logger.warning("The world in play could not be copied", reason=str(error))
                said = str(error)

    def _write(self, copy: WorldCopy, names: tuple[str, ...], *, is_same: bool) -> None:
        for name in names:
            if is_same:
                self._copies.touch(name)
            else:
                self._copies.keep(name, copy)
