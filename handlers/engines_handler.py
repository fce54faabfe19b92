"""Engines in memory: loading each one once, lending it to sessions, and making room on the device."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, assert_never

from error_types import DomainError, ErrorCode
from handlers.base import StateHandler, with_state_lock
from handlers.engine_loading import EngineLoader, LoadOrder
from state.app_state_types import (
    AppState,
    EngineAside,
    EngineFailed,
    EngineKey,
    EngineLoading,
    EngineReady,
    EngineState,
    EngineUnloaded,
    SessionId,
)
from state.transitions import ENGINE_TRANSITIONS, check_transition

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.task_runner.task_runner import TaskRunner
    from services.world_engine.catalogue import CatalogueEntry, LoadReport, WorldEngineCatalogue
    from services.world_engine.world_engine import WorldEngine


@dataclass(frozen=True, slots=True)
class _Lent:
    engine: WorldEngine


@dataclass(frozen=True, slots=True)
class _Wait:
    """Somebody loads it already, or needs its memory for a while; then `attempt` is None."""

    attempt: int | None
    finished: Future[None]


_Plan: TypeAlias = _Lent | _Wait | LoadOrder


class EnginesHandler(StateHandler):
    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        catalogue: WorldEngineCatalogue,
        task_runner: TaskRunner,
        clock: Clock,
        metrics: Metrics,
        make_room: Callable[[CatalogueEntry], None],
    ) -> None:
        """`make_room` blocks, and is called on a thread before an engine is loaded."""
        super().__init__(state, lock)
        self._catalogue = catalogue
        self.loader = EngineLoader(task_runner, clock, metrics, make_room, self._finish_load)
        self._attempts = 0

    # -------------------------------------------------------------------------------------------- lending

    async def acquire(self, key: EngineKey, session_id: SessionId, report: LoadReport) -> WorldEngine:
        """Lend an engine to a session, loading it first if need be; `report` is called from the loading thread.

        Raises:
            DomainError: the load failed, or the engine cannot take another session now.
        """
        entry = self.entry(key.model_id)
        awaited: int | None = None
        while True:
            plan = self._plan(key, entry, session_id, awaited)
            match plan:
                case _Lent(engine):
                    return engine
                case LoadOrder():
                    self.loader.start(plan, entry, report)
                case _Wait():
                    pass
                case _:
                    assert_never(plan)
            awaited = plan.attempt
            # Shielded: a session that leaves does not cancel a load that others wait for.
            await asyncio.shield(asyncio.wrap_future(plan.finished))

    @with_state_lock
    def release(self, key: EngineKey, session_id: SessionId) -> None:
        """The session's worlds in this engine are closed. The engine stays in memory for the next one."""
        current = self.of(key)
        match current:
            case EngineReady(users=users) | EngineLoading(users=users):
                self.change(key, replace(current, users=users - {session_id}))
            case EngineAside(user=user) if user == session_id:
                self.change(key, EngineUnloaded())
                current.finished.set_result(None)
            case EngineAside() | EngineFailed() | EngineUnloaded():
                pass

    @with_state_lock
    def release_all(self, session_id: SessionId) -> None:
        """The session is over."""
        for key in list(self._state.engines):
            self.release(key, session_id)

    def entry(self, model_id: str) -> CatalogueEntry:
        """The catalogue's entry.

        Raises:
            DomainError: there is no such model; the text names those there are.
        """
        entry = self._catalogue.find(model_id)
        if entry is None:
            names = ", ".join(entry.model_id for entry in self._catalogue.entries())
            raise DomainError(
                f"This server has no model “{model_id}”. It has: {names}. Choose one of them as the world model in the "
                "settings of your client.",
                ErrorCode.UNKNOWN_MODEL,
            )
        return entry

    @with_state_lock
    def of(self, key: EngineKey) -> EngineState:
        return self._state.engines.get(key, EngineUnloaded())

    @with_state_lock
    def change(self, key: EngineKey, after: EngineState) -> None:
        check_transition(ENGINE_TRANSITIONS, self.of(key), after)
        self._state.engines[key] = after

    @with_state_lock
    def on_device(self) -> tuple[EngineKey, EngineState] | None:
        """The engine that has the device, or is on its way there, or would be the next; None: no engine uses it."""
        for key, state in self._state.engines.items():
            is_there = not isinstance(state, EngineUnloaded | EngineFailed)
            if is_there and self.entry(key.model_id).placement == "device":
                return key, state
        default = self._catalogue.default
        if default.placement == "cpu":
            return None
        key = EngineKey(default.model_id, default.quants[0])
        return key, self.of(key)

    @with_state_lock
    def loaded_models(self) -> frozenset[str]:
        return frozenset(key.model_id for key, state in self._state.engines.items() if isinstance(state, EngineReady))

    @with_state_lock
    def take_all(self) -> tuple[WorldEngine, ...]:
        """Empty the table at the end of the server; the caller closes what it gets."""
        ready = [(key, state) for key, state in self._state.engines.items() if isinstance(state, EngineReady)]
        for key, _ in ready:
            self.change(key, EngineUnloaded())
        return tuple(state.engine for _, state in ready)

    # ------------------------------------------------------------------------------------------- deciding

    @with_state_lock
    def _plan(self, key: EngineKey, entry: CatalogueEntry, session_id: SessionId, awaited: int | None) -> _Plan:
        current = self.of(key)
        match current:
            case EngineReady(engine, users):
                self._check_room(engine, users, session_id)
                self.change(key, replace(current, users=users | {session_id}))
                return _Lent(engine)
            case EngineLoading(attempt, finished):
                return _Wait(attempt, finished)
            case EngineFailed(attempt, message) if attempt == awaited:
                raise DomainError(message, ErrorCode.MODEL_LOAD_FAILED)
            case EngineAside(finished, user) if user == session_id:
                return self._order(key, finished, frozenset({session_id}), ())
            case EngineAside(finished):
                return _Wait(None, finished)
            case EngineFailed() | EngineUnloaded():
                kept = self._kept_for_a_scene(entry)
                return kept or self._order(key, Future(), frozenset(), self._make_room(entry))
            case _:
                assert_never(current)

    def _order(
        self, key: EngineKey, finished: Future[None], users: frozenset[SessionId], evicted: tuple[WorldEngine, ...]
    ) -> LoadOrder:
        self._attempts += 1
        self.change(key, EngineLoading(self._attempts, finished, users))
        return LoadOrder(key, self._attempts, finished, evicted)

    def _kept_for_a_scene(self, entry: CatalogueEntry) -> _Wait | None:
        """The device is a model's for as long as a picture takes, and nobody plays there."""
        match self.on_device():
            case _, EngineAside(finished, None) if entry.placement == "device":
                return _Wait(None, finished)
            case _:
                return None

    def _check_room(self, engine: WorldEngine, users: frozenset[SessionId], session_id: SessionId) -> None:
        limit = engine.spec.max_worlds
        if limit is not None and session_id not in users and len(users) >= limit:
            raise DomainError(
                f"{engine.spec.title} holds {limit} session(s) at a time, and has them. Try again when one ends.",
                ErrorCode.MODEL_BUSY,
            )

    def _make_room(self, entry: CatalogueEntry) -> tuple[WorldEngine, ...]:
        """Unload the device's engine for another one, unless somebody plays on it."""
        if entry.placement == "cpu":
            return ()
        evicted: list[WorldEngine] = []
        for key, state in list(self._state.engines.items()):
            if self.entry(key.model_id).placement == "cpu":
                continue
            lent = isinstance(state, EngineReady) and bool(state.users)
            busy = lent or isinstance(state, EngineLoading | EngineAside)
            if busy:
                raise DomainError(
                    f"The device is in use by {key.model_id}. Try again when its sessions have ended.",
                    ErrorCode.MODEL_BUSY,
                )
            if isinstance(state, EngineReady):
                self.change(key, EngineUnloaded())
                evicted.append(state.engine)
        return tuple(evicted)

    @with_state_lock
    def _finish_load(self, key: EngineKey, outcome: EngineReady | EngineFailed) -> None:
        loading = self.of(key)
        if isinstance(outcome, EngineReady) and isinstance(loading, EngineLoading):
            outcome = replace(outcome, users=loading.users)
        self.change(key, outcome)
