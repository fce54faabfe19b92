"""A world engine that gives way for a while: unloaded, so that a model for scenes has its memory, and then let back."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from error_types import DomainError, ErrorCode
from handlers.base import StateHandler, with_state_lock
from state.app_state_types import (
    AppState,
    EngineAside,
    EngineFailed,
    EngineKey,
    EngineLoading,
    EngineReady,
    EngineUnloaded,
    SessionId,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from threading import RLock

    from handlers.engines_handler import EnginesHandler
    from services.world_engine.world_engine import WorldEngine


class EngineLeaves(StateHandler):
    """An engine that is aside is lent to nobody else: who wants it waits. Whoever played on it gets it back by
    `EnginesHandler.acquire`, or gives it up by `release`."""

    def __init__(self, state: AppState, lock: RLock, engines: EnginesHandler) -> None:
        super().__init__(state, lock)
        self._engines = engines

    async def set_aside(self, key: EngineKey, user: SessionId, close_worlds: Callable[[], Awaitable[None]]) -> None:
        """Unload the engine that `user` plays on, after its worlds.

        Raises:
            DomainError: others play on it too; nothing has happened.
        """
        engine = self._take(key, user)
        await close_worlds()
        await self._engines.loader.unload(key, engine)

    @asynccontextmanager
    async def idle_aside(self) -> AsyncGenerator[None]:
        """Keep the device free of engines that nobody plays on, until the end of the block.

        Raises:
            DomainError: somebody does.
        """
        key, engine = self._take_idle()
        try:
            if engine is not None:
                await self._engines.loader.unload(key, engine)
            yield
        finally:
            self._end(key)

    @with_state_lock
    def _take(self, key: EngineKey, user: SessionId) -> WorldEngine:
        current = self._engines.of(key)
        is_on_device = self._engines.entry(key.model_id).placement == "device"  # if not, the session is about to move
        if not is_on_device or not isinstance(current, EngineReady) or current.users - {user}:
            raise self._busy(key)
        self._engines.change(key, EngineAside(Future(), user))
        return current.engine

    @with_state_lock
    def _take_idle(self) -> tuple[EngineKey, WorldEngine | None]:
        found = self._engines.on_device()
        if found is None:
            raise LookupError("No engine uses the device.")
        key, current = found
        match current:
            case EngineReady(engine, users) if not users:
                self._engines.change(key, EngineAside(Future(), None))
                return key, engine
            case EngineUnloaded() | EngineFailed():
                self._engines.change(key, EngineAside(Future(), None))
                return key, None
            case EngineReady() | EngineLoading() | EngineAside():
                raise self._busy(key)

    @with_state_lock
    def _end(self, key: EngineKey) -> None:
        current = self._engines.of(key)
        if isinstance(current, EngineAside):
            self._engines.change(key, EngineUnloaded())
            current.finished.set_result(None)

    def _busy(self, key: EngineKey) -> DomainError:
        title = self._engines.entry(key.model_id).title
        return DomainError(
            f"{title} is in use by now, and there is no room beside it.", ErrorCode.AUTHORING_LOAD_FAILED
        )
