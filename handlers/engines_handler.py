"""Engines in memory: loading each one once, lending it to sessions, and making room on the device."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, assert_never

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import StateHandler, with_state_lock
from services.world_engine.catalogue import CatalogueEntry, LoadReport, ModelLoadError, WorldEngineCatalogue
from state.app_state_types import (
    AppState,
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
    from threading import RLock

    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics
    from services.task_runner.task_runner import TaskRunner
    from services.world_engine.world_engine import WorldEngine

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Lent:
    engine: WorldEngine


@dataclass(frozen=True, slots=True)
class _Wait:
    """Somebody loads it already."""

    attempt: int
    finished: Future[None]


@dataclass(frozen=True, slots=True)
class _Load:
    """This caller loads it, after `evicted` engines have been closed."""

    attempt: int
    finished: Future[None]
    evicted: tuple[WorldEngine, ...]


_Plan: TypeAlias = _Lent | _Wait | _Load


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
    ) -> None:
        super().__init__(state, lock)
        self._catalogue = catalogue
        self._task_runner = task_runner
        self._clock = clock
        self._metrics = metrics
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
                case _Load(attempt, finished, evicted):
                    self._start_load(key, entry, attempt, finished, evicted, report)
                case _Wait(attempt, finished):
                    pass
                case _:
                    assert_never(plan)
            awaited = attempt
            # Shielded: a session that leaves does not cancel a load that others wait for.
            await asyncio.shield(asyncio.wrap_future(finished))

    @with_state_lock
    def release(self, key: EngineKey, session_id: SessionId) -> None:
        """The session's worlds in this engine are closed. The engine stays in memory for the next one."""
        current = self._of(key)
        if isinstance(current, EngineReady):
            self._change(key, replace(current, users=current.users - {session_id}))

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
    def loaded_models(self) -> frozenset[str]:
        return frozenset(key.model_id for key, state in self._state.engines.items() if isinstance(state, EngineReady))

    @with_state_lock
    def take_all(self) -> tuple[WorldEngine, ...]:
        """Empty the table at the end of the server; the caller closes what it gets."""
        ready = [(key, state) for key, state in self._state.engines.items() if isinstance(state, EngineReady)]
        for key, _ in ready:
            self._change(key, EngineUnloaded())
        return tuple(state.engine for _, state in ready)

    # ------------------------------------------------------------------------------------------- deciding

    @with_state_lock
    def _plan(self, key: EngineKey, entry: CatalogueEntry, session_id: SessionId, awaited: int | None) -> _Plan:
        current = self._of(key)
        match current:
            case EngineReady(engine, users):
                self._check_room(engine, users, session_id)
                self._change(key, replace(current, users=users | {session_id}))
                return _Lent(engine)
            case EngineLoading(attempt, finished):
                return _Wait(attempt, finished)
            case EngineFailed(attempt, message) if attempt == awaited:
                raise DomainError(message, ErrorCode.MODEL_LOAD_FAILED)
            case EngineFailed() | EngineUnloaded():
                evicted = self._make_room(entry)
                self._attempts += 1
                loading = EngineLoading(self._attempts, Future())
                self._change(key, loading)
                return _Load(loading.attempt, loading.finished, evicted)
            case _:
                assert_never(current)

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
            busy = isinstance(state, EngineLoading) or (isinstance(state, EngineReady) and bool(state.users))
            if busy:
                raise DomainError(
                    f"The device is in use by {key.model_id}. Try again when its sessions have ended.",
                    ErrorCode.MODEL_BUSY,
                )
            if isinstance(state, EngineReady):
                self._change(key, EngineUnloaded())
                evicted.append(state.engine)
        return tuple(evicted)

    def _of(self, key: EngineKey) -> EngineState:
        return self._state.engines.get(key, EngineUnloaded())

    def _change(self, key: EngineKey, after: EngineState) -> None:
        check_transition(ENGINE_TRANSITIONS, self._of(key), after)
        self._state.engines[key] = after

    # -------------------------------------------------------------------------------------------- loading

    def _start_load(
        self,
        key: EngineKey,
        entry: CatalogueEntry,
        attempt: int,
        finished: Future[None],
        evicted: tuple[WorldEngine, ...],
        report: LoadReport,
    ) -> None:
        def work() -> None:
            started = self._clock.monotonic()
            for engine in evicted:
                engine.close()
            logger.info("Loading a model", model=key.model_id, quant=key.quant)
            try:
                engine = entry.load(key.quant, report)
            except ModelLoadError as error:
                logger.warning("The model could not be loaded", model=key.model_id, reason=str(error))
                self._finish_load(key, EngineFailed(attempt, str(error)))
                self._metrics.engine_failed(key.model_id)
            else:
                seconds = self._clock.monotonic() - started
                logger.info("Model loaded", model=key.model_id, duration_s=round(seconds, 3))
                self._finish_load(key, EngineReady(engine))
                self._metrics.engine_loaded(key.model_id, seconds)
            finished.set_result(None)

        def failed(_: BaseException) -> None:
            message = (
                f"{entry.title} could not be loaded because of an unexpected error; the server's log has the details."
            )
            self._finish_load(key, EngineFailed(attempt, message))
            self._metrics.engine_failed(key.model_id)
            finished.set_result(None)

        self._task_runner.submit(f"load {key.model_id}", work, on_error=failed)

    @with_state_lock
    def _finish_load(self, key: EngineKey, outcome: EngineReady | EngineFailed) -> None:
        self._change(key, outcome)
