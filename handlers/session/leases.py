"""The engines that one session holds: a lease for each of its open worlds."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.engines.pool import EngineLease, EnginePool
    from services.world_engine.catalogue import LoadReport
    from state.app_state_types import EngineKey, SessionId


class SessionLeases:
    def __init__(self, pool: EnginePool, session_id: SessionId) -> None:
        self._pool = pool
        self._session_id = session_id
        self._open: list[tuple[EngineLease, AsyncExitStack]] = []

    async def take(self, key: EngineKey, report: LoadReport) -> EngineLease:
        """Raises: DomainError, as `EnginePool.lease` does."""
        stack = AsyncExitStack()
        lease = await stack.enter_async_context(self._pool.lease(key, self._session_id, report))
        self._open.append((lease, stack))
        return lease

    async def give_back(self, key: EngineKey) -> None:
        """The oldest lease on an engine, whose world is closed."""
        for held in self._open:
            lease, stack = held
            if lease.key == key:
                self._open.remove(held)
                await stack.aclose()
                return

    async def close(self) -> None:
        """The session is over."""
        while self._open:
            await self.give_back(self._open[0][0].key)

    def check_offload(self, key: EngineKey) -> None:
        """Raises: DomainError, as `EnginePool.offload` would."""
        self._pool.check_offload(self._of(key))

    async def offload(self, key: EngineKey) -> None:
        """Raises: DomainError, as `EnginePool.offload` does."""
        await self._pool.offload(self._of(key))

    async def reload(self, key: EngineKey) -> EngineLease:
        """Raises: DomainError, as `EnginePool.reload` does."""
        lease = self._of(key)
        await self._pool.reload(lease)
        return lease

    def _of(self, key: EngineKey) -> EngineLease:
        return next(lease for lease, _ in self._open if lease.key == key)
