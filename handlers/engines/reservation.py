"""The memory for one scene: models come and go, and the world engine is offloaded where there is too little room."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self, TypeAlias

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from services.image_editor.image_editor import EditorReady
from services.memory_planner.memory_plan import InsteadOfEngine, MemoryPlan, NoRoom, Offloaded, OnCpu, Resident
from services.outlasting import unstoppable
from services.prompt_writer.prompt_writer import WriterReady

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from handlers.engines.device import Device
    from handlers.engines.ledger import MemoryLedger
    from handlers.engines.parked import ParkedEngines
    from services.memory_planner.model_memory import Placement
    from state.app_state_types import SessionId
    from state.model_states import ModelsKnown, SceneRole

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

# Closes the world of the session that waits for the scene, and offloads its engine, until the end of the block.
StepAside: TypeAlias = "Callable[[], AbstractAsyncContextManager[object]]"


class Reservation:
    """Made by `ModelResidency.reserve`, one at a time, which keeps others from unloading the models until its end.

    The planner was asked when it began. It is asked again only after an engine was offloaded, as what that gave back is
    known no earlier.
    """

    def __init__(
        self,
        *,
        ledger: MemoryLedger,
        device: Device,
        parked: ParkedEngines,
        known: ModelsKnown,
        asker: SessionId | None,
        step_aside: StepAside | None,
        work_threads: Executor,
    ) -> None:
        self._ledger = ledger
        self._device = device
        self._parked = parked
        plans = ledger.plans_for(asker, known)
        self._plans: Mapping[SceneRole, MemoryPlan | None] = {"writer": plans.writer, "editor": plans.editor}
        self._loaded = _loaded_at(known)
        self._asker = asker
        self._step_aside = step_aside
        self._work_threads = work_threads
        self._offloading = AsyncExitStack()  # the engine that is offloaded meanwhile
        self._plans_in_place: Mapping[SceneRole, MemoryPlan] | None = None  # while the engine is offloaded
        self._replacing: SceneRole | None = None  # the one model that is loaded in the engine's place

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What was loaded in the engine's place is unloaded first, then the engine may come back."""
        await self._offloading.__aexit__(kind, error, trace)

    async def admit(self, role: SceneRole) -> None:
        """Have a model in memory before it is used. Before one that takes no memory here, the engine comes back.

        Raises:
            DomainError: there is no room for it; the text has the numbers.
            PromptWriterError, ImageEditorError: it cannot be loaded.
        """
        plan = self._plans[role]
        if plan is None:
            await self._end_offloading()
            return
        if self._plans_in_place is not None or isinstance(plan, InsteadOfEngine):
            await self._load_in_engines_place(role, plan.reason)
        else:
            self._place(role, plan)
            await self._load(role)

    async def load_ahead(self, role: SceneRole) -> None:
        """Have a model in memory before anybody needs it, if there is room beside what is there.

        Raises:
            PromptWriterError, ImageEditorError: it cannot be loaded.
        """
        plan = self._plans[role]
        if isinstance(plan, InsteadOfEngine | NoRoom):
            return
        if plan is not None:
            self._place(role, plan)
        await self._load(role)

    # ------------------------------------------------------------------------------------------------------ models

    def _place(self, role: SceneRole, plan: MemoryPlan) -> None:
        match plan:
            case Resident():
                placement: Placement = "resident"
            case Offloaded():
                placement = "offloaded"
            case OnCpu():
                placement = "cpu"
            case NoRoom(reason) | InsteadOfEngine(_, reason):
                raise DomainError(reason, ErrorCode.AUTHORING_LOAD_FAILED)
        self._ledger.models[role].place(placement)

    async def _load(self, role: SceneRole) -> None:
        if role in self._loaded:
            return
        try:
            await self._ledger.models[role].prepare()
        finally:
            await in_thread(self._work_threads, self._ledger.look)

    # -------------------------------------------------------------------------------------------- the engine's place

    async def _load_in_engines_place(self, role: SceneRole, reason: str) -> None:
        if self._plans_in_place is None:
            await self._offload_engine(reason)
            self._plans_in_place = await in_thread(self._work_threads, self._plan_in_engines_place)
        await self._unload_replacing()
        self._place(role, self._plans_in_place[role])
        self._replacing = role
        await self._load(role)

    def _plan_in_engines_place(self) -> Mapping[SceneRole, MemoryPlan]:
        """Blocks."""
        self._parked.give_way(lambda: not self._ledger.scenes_in_engines_place_need_parked())
        return self._ledger.plans_in_engines_place()

    async def _offload_engine(self, reason: str) -> None:
        logger.info("The world engine makes room for a scene", reason=reason)
        try:
            if self._step_aside is not None and self._asker is not None and self._device.is_played_on_by(self._asker):
                await self._offloading.enter_async_context(self._step_aside())
            await self._device.reserve(self._asker)
        except DomainError as error:
            if error.code is not ErrorCode.MODEL_BUSY:
                raise
            raise DomainError(
                f"{error.message} There is no room for the scene beside it.", ErrorCode.AUTHORING_LOAD_FAILED
            ) from error
        self._offloading.callback(self._device.give_back)
        self._offloading.push_async_callback(self._unload_replacing)

    async def _end_offloading(self) -> None:
        self._plans_in_place = None
        await self._offloading.aclose()

    async def _unload_replacing(self) -> None:
        role, self._replacing = self._replacing, None
        if role is None:
            return

        def unload() -> None:
            self._ledger.models[role].unload()
            self._ledger.look()

        await unstoppable(in_thread(self._work_threads, unload), undo=_keep)


def _loaded_at(known: ModelsKnown) -> frozenset[SceneRole]:
    """The models that nothing has to be loaded for."""
    writer, editor = known.writer, known.editor
    found: set[SceneRole] = set()
    if isinstance(writer, WriterReady) and writer.is_loaded and writer.memory is not None:
        found.add("writer")
    if isinstance(editor, EditorReady) and editor.is_loaded and editor.memory is not None:
        found.add("editor")
    return frozenset(found)


async def _keep(_: None) -> None:
    """An unloaded model stays unloaded."""
