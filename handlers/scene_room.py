"""Room for the models that make one scene: each goes where it was planned, and the engine gives way if it must."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias

import structlog

from error_types import DomainError, ErrorCode
from handlers.threads import in_thread, unstoppable
from services.memory_planner.memory_plan import InsteadOfEngine, NoRoom, Offloaded, OnCpu, Resident
from state.app_state_types import EngineReady

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from concurrent.futures import Executor
    from contextlib import AbstractAsyncContextManager

    from handlers.engine_leaves import EngineLeaves
    from handlers.engines_handler import EnginesHandler
    from handlers.memory_handler import MemoryHandler, SceneRole
    from services.memory_planner.memory_plan import MemoryPlan
    from services.memory_planner.model_memory import Placement
    from services.world_engine.catalogue import CatalogueEntry
    from state.app_state_types import SessionId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

# Puts the world of the session that waits for the scene aside, and its engine, until the end of the block.
StepAside: TypeAlias = "Callable[[], AbstractAsyncContextManager[None]]"


class PlacedModel(Protocol):
    """What a prompt writer and an image editor have in common."""

    def place(self, placement: Placement) -> None: ...

    def unload(self) -> None: ...


class Housekeeper:
    """What rooms are made of: the plans, the models, and the engine that may give way."""

    def __init__(
        self,
        memory: MemoryHandler,
        engines: EnginesHandler,
        leaves: EngineLeaves,
        models: Mapping[SceneRole, PlacedModel],
        work_threads: Executor,
    ) -> None:
        self._memory = memory
        self._engines = engines
        self._leaves = leaves
        self._models = models
        self._work_threads = work_threads
        self._is_occupied = False

    @asynccontextmanager
    async def room(self, asker: SessionId | None, step_aside: StepAside | None) -> AsyncGenerator[SceneRoom]:
        """For a scene that `asker` waits for; one at a time.

        At its end what was loaded in the engine's place is gone, and then the engine may come back.
        """
        self._is_occupied = True
        try:
            async with AsyncExitStack() as stack:
                yield SceneRoom(self, stack, asker, step_aside)
        finally:
            self._is_occupied = False

    def vacate_for(self, engine: CatalogueEntry) -> None:
        """Before an engine is loaded that would have no room: unload models that rest, and leave those at work alone.

        Blocks; called on the loading thread.
        """
        for role, model in self._models.items():
            if not self._is_occupied and self._memory.is_in_the_way_of(engine, role):
                logger.info("A model for scenes makes room for a world engine", model=engine.model_id, role=role)
                model.unload()

    def place_ahead(self, role: SceneRole) -> bool:
        """Before anybody waits: whether the model can be loaded now, beside what is there."""
        plan = self.plan_beside(role, self._memory.likely_asker())
        if isinstance(plan, InsteadOfEngine | NoRoom):
            return False
        self.place(role, plan)
        return True

    def plan_beside(self, role: SceneRole, asker: SessionId | None) -> MemoryPlan | None:
        return self._memory.plans(asker).get(role)

    def plan_instead(self, role: SceneRole) -> MemoryPlan | None:
        return self._memory.plan_in_engines_place(role)

    def place(self, role: SceneRole, plan: MemoryPlan | None) -> None:
        match plan:
            case None:  # it takes no memory here
                pass
            case Resident():
                self._models[role].place("resident")
            case Offloaded():
                self._models[role].place("offloaded")
            case OnCpu():
                self._models[role].place("cpu")
            case NoRoom(reason) | InsteadOfEngine(_, reason):
                raise DomainError(reason, ErrorCode.AUTHORING_LOAD_FAILED)

    async def unload(self, role: SceneRole) -> None:
        await unstoppable(in_thread(self._work_threads, self._models[role].unload), undo=_nothing)

    def engine_aside(self, asker: SessionId | None, step_aside: StepAside | None) -> AbstractAsyncContextManager[None]:
        match self._engines.on_device():
            case _, EngineReady(users=users) if asker in users and step_aside is not None:
                return step_aside()
            case _:
                return self._leaves.idle_aside()


class SceneRoom:
    def __init__(
        self, keeper: Housekeeper, stack: AsyncExitStack, asker: SessionId | None, step_aside: StepAside | None
    ) -> None:
        self._keeper = keeper
        self._stack = stack
        self._asker = asker
        self._step_aside = step_aside
        self._is_engine_aside = False
        self._guest: SceneRole | None = None  # in the engine's place there is one at a time

    async def admit(self, role: SceneRole) -> None:
        """Before a model is used. One that takes no memory here has the engine back before.

        Raises:
            DomainError: there is no room for it; the text has the numbers.
        """
        if self._is_engine_aside and self._keeper.plan_instead(role) is None:
            await self._stack.aclose()
            self._is_engine_aside = False
        if not self._is_engine_aside:
            plan = self._keeper.plan_beside(role, self._asker)
            if not isinstance(plan, InsteadOfEngine):
                self._keeper.place(role, plan)
                return
            await self._put_engine_aside(plan.reason)
        await self._dismiss()
        self._keeper.place(role, self._keeper.plan_instead(role))
        self._guest = role

    async def _put_engine_aside(self, reason: str) -> None:
        logger.info("The world engine makes room for a scene", reason=reason)
        await self._stack.enter_async_context(self._keeper.engine_aside(self._asker, self._step_aside))
        self._stack.push_async_callback(self._dismiss)
        self._is_engine_aside = True

    async def _dismiss(self) -> None:
        guest, self._guest = self._guest, None
        if guest is not None:
            await self._keeper.unload(guest)


async def _nothing(_: None) -> None:
    """What was unloaded may stay so."""
