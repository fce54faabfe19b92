"""The memory for a film: play comes first, and a film that had to make room for it is begun again."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, assert_never

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from services.memory_planner.memory_plan import InsteadOfEngine, NoRoom, Offloaded, OnCpu, Resident
from services.outlasting import unstoppable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from concurrent.futures import Executor

    from handlers.base import StateChanges
    from handlers.engines.device import Device
    from handlers.engines.ledger import MemoryLedger
    from handlers.engines.parked import ParkedEngines
    from services.memory_planner.memory_plan import MemoryPlan
    from services.memory_planner.model_memory import Placement
    from services.video_pipeline.film_order import FilmOrder
    from services.video_pipeline.video_pipeline import FastVideoPipeline


class FilmRoom:
    def __init__(
        self,
        pipeline: FastVideoPipeline,
        ledger: MemoryLedger,
        *,
        device: Device,
        parked: ParkedEngines,
        changes: StateChanges,
        threads: Executor,
    ) -> None:
        self._pipeline = pipeline
        self._ledger = ledger
        self._device = device
        self._parked = parked
        self._changes = changes
        self._threads = threads

    @property
    def given_way(self) -> int:
        """How often a film has had to make room so far."""
        return self._ledger.films_given_way

    async def why_waiting(self) -> str | None:
        """Why a film would wait now, in a sentence; None: it would not."""
        plan = await self._plan(None)
        return _reason(plan) if isinstance(plan, NoRoom) and self._ledger.is_device_in_use() else None

    @asynccontextmanager
    async def hold(self, order: FilmOrder, on_waiting: Callable[[], None]) -> AsyncGenerator[None]:
        """Have the model placed for a film until the end of the block; `on_waiting` is called where it has to wait.

        Raises:
            DomainError: it does not fit even while nobody plays.
        """
        plan = await self._wait(order, on_waiting)
        try:
            yield
        finally:
            if isinstance(plan, InsteadOfEngine):  # the room is the engine's as soon as somebody plays
                await unstoppable(in_thread(self._threads, self._pipeline.unload))

    async def _wait(self, order: FilmOrder, on_waiting: Callable[[], None]) -> MemoryPlan | None:
        while True:
            mark, was_in_use = self._changes.mark(), self._ledger.is_device_in_use()
            plan = await self._plan(order)
            match plan:
                case None:
                    return None
                case InsteadOfEngine() if self._is_engine_there():
                    pass
                case Resident() | Offloaded() | OnCpu() | InsteadOfEngine():
                    self._pipeline.place(_placement(plan))
                    return plan
                case NoRoom(reason):
                    if not (was_in_use or self._ledger.is_device_in_use()):
                        raise DomainError(reason, ErrorCode.MODEL_DOES_NOT_FIT)
                case _:
                    assert_never(plan)
            on_waiting()
            await self._changes.after(mark)

    def _is_engine_there(self) -> bool:
        """Whether an engine has yet to leave the device. One that nobody uses begins to; the others are waited for."""
        return self._device.send_idle_away() or self._ledger.is_device_in_use()

    async def _plan(self, order: FilmOrder | None) -> MemoryPlan | None:
        def plan() -> MemoryPlan | None:
            memory = self._pipeline.needs(order)
            if memory is None:
                return None
            if order is not None:  # it is to be made now
                self._parked.give_way(lambda: not self._ledger.film_needs_parked(memory))
            return self._ledger.plan_film(memory)

        return await in_thread(self._threads, plan)


def _placement(plan: Resident | Offloaded | OnCpu | InsteadOfEngine) -> Placement:
    match plan:
        case Resident():
            return "resident"
        case Offloaded():
            return "offloaded"
        case OnCpu():
            return "cpu"
        case InsteadOfEngine(placement):
            return placement


def _reason(plan: NoRoom) -> str:
    return f"Films wait until there is room beside the world that is being played. {plan.reason}"
