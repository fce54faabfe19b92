"""Worlds that are played for a job, in as many pieces as those leave time for who play."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import structlog

from handlers.base import in_thread
from handlers.engines.spare_time import WantedError
from services.outlasting import unstoppable
from services.world_engine.world_engine import EngineDiedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

    from handlers.engines.spare_time import SpareTime
    from handlers.jobs.executor import RunningJob
    from services.world_engine.world_engine import WorldEngine, WorldSpec
    from state.app_state_types import EngineKey

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

WAITING: Final = "waiting_for_play"
LOADING: Final = "loading"
KEEPING: Final = "keeping"


class SpareRun(Protocol):
    """Used by one thread at a time: `open`, then `step` until `is_done`. After `park` another `open` goes on."""

    @property
    def passes(self) -> int: ...

    @property
    def made(self) -> int: ...

    @property
    def is_done(self) -> bool: ...

    def open(self, engine: WorldEngine) -> None: ...

    def step(self) -> None: ...

    def park(self) -> None:
        """Close the world, to go on from there."""
        ...

    def lose_engine(self) -> bool:
        """The engine has died under the open world; whether another `open` goes on."""
        ...

    def close(self) -> None:
        """Close the world for good. Idempotent."""
        ...


Run = TypeVar("Run", bound=SpareRun)
Result = TypeVar("Result")
Work = TypeVar("Work")


class SparePlay:
    """Whoever comes to play waits for one step at most. The engine is leased from the pool, so it is loaded once for
    those who play and for this."""

    def __init__(self, spare_time: SpareTime, engine_threads: Executor) -> None:
        self._spare_time = spare_time
        self._threads = engine_threads

    async def play(
        self,
        key: EngineKey,
        running: RunningJob,
        begin: Callable[[WorldSpec], Awaitable[Run]],
        finish: Callable[[Run], Result],
        *,
        stage: str,
    ) -> Result:
        """What `finish` gives, on a thread, while the world is still open. `stage` is told while the world is played.

        Raises:
            DomainError: the engine cannot be had.
            EngineDiedError: it died, and the run does not go on.
        """
        run: Run | None = None
        try:
            while True:
                if self._spare_time.is_over(key):
                    running.tell(WAITING)
                    await self._spare_time.comes(key)
                running.tell(LOADING)
                try:
                    async with self._spare_time.lease(key, f"job {running.job.id}") as lease:
                        run = run or await begin(lease.engine.spec)
                        result = await self._leased(run, lease.engine, key, running, finish, stage)
                except WantedError:
                    continue
                if result is not None:
                    return result
        finally:
            if run is not None:
                await self._on_thread(run.close)

    async def _leased(
        self,
        run: Run,
        engine: WorldEngine,
        key: EngineKey,
        running: RunningJob,
        finish: Callable[[Run], Result],
        stage: str,
    ) -> Result | None:
        """None: somebody came to play. The world is closed in any case."""
        try:
            while True:
                try:
                    return await self._piece(run, engine, key, running, finish, stage)
                except EngineDiedError as error:
                    if not await self._on_thread(run.lose_engine):
                        raise
                    logger.warning(
                        "A job goes on in an engine that was started again", model=key.model_id, reason=str(error)
                    )
        except BaseException:  # whatever ends it, the world is closed before its engine goes
            await self._on_thread(run.close)
            raise

    async def _piece(
        self,
        run: Run,
        engine: WorldEngine,
        key: EngineKey,
        running: RunningJob,
        finish: Callable[[Run], Result],
        stage: str,
    ) -> Result | None:
        await self._on_thread(lambda: run.open(engine))
        while not run.is_done:
            if self._spare_time.is_over(key):
                await self._on_thread(run.park)
                return None
            running.tell(stage, run.made / run.passes)
            await self._on_thread(run.step)
        running.tell(KEEPING)
        return await self._on_thread(lambda: finish(run))

    async def _on_thread(self, work: Callable[[], Work]) -> Work:
        """What is cancelled waits for the step that is being made."""
        return await unstoppable(in_thread(self._threads, work))
