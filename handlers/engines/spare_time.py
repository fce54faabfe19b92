"""Engines for work that gives way: nobody who plays, or wants to, waits longer for it than for the step at hand."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from error_types import DomainError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from handlers.base import StateChanges
    from handlers.engines.lease import EngineLease
    from handlers.engines.pool import EnginePool
    from state.app_state_types import EngineKey


class WantedError(Exception):
    """Somebody came to play while the engine was being had."""


class SpareTime:
    def __init__(self, pool: EnginePool, changes: StateChanges) -> None:
        self._pool = pool
        self._changes = changes

    async def comes(self, key: EngineKey) -> None:
        """Wait until nobody plays where the engine runs."""
        while True:
            mark = self._changes.mark()
            if not self.is_over(key):
                return
            await self._changes.after(mark)

    def is_over(self, key: EngineKey) -> bool:
        """Whether the holder of the lease has to give it back."""
        return self._pool.is_wanted(key)

    @asynccontextmanager
    async def lease(self, key: EngineKey, holder: str) -> AsyncGenerator[EngineLease]:
        """The engine, to be given back once the time `is_over`.

        Raises:
            WantedError: somebody came to play before it was had.
            DomainError: it cannot be had.
        """
        has_it = False
        try:
            async with self._pool.lease(key, holder, gives_way=True) as lease:
                has_it = True
                yield lease
        except DomainError as error:
            if not has_it and error.code is ErrorCode.MODEL_BUSY and self.is_over(key):
                raise WantedError from error
            raise
