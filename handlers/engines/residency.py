"""Which models are in memory, as the rest of the server sees it: reports, pictures to be checked, and reservations."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from handlers.base import StateChanges, StateHandler, in_thread, with_state_lock
from handlers.engines.reservation import Reservation
from services.image_classifier.image_classifier import ClassifierMissing, ClassifierStatus
from services.image_editor.image_editor import EditorMissing, EditorStatus
from services.memory_planner.memory_plan import NoRoom, Resident
from services.prompt_writer.prompt_writer import WriterMissing, WriterStatus
from state.app_state_types import AppState, NotReserved, SessionId, Ticket
from state.events import ModelReturned, ModelTaken, ReservationAsked, ReservationLeft
from state.model_states import ModelInUse, ModelPlans, ModelsKnown, ModelsUnknown, ModelVacating
from state.transitions import model_use_event, reservation_event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from concurrent.futures import Executor
    from threading import RLock

    from handlers.engines.device import Device
    from handlers.engines.ledger import MemoryLedger
    from handlers.engines.parked import ParkedEngines
    from handlers.engines.reservation import StepAside
    from services.clock.clock import Clock
    from services.image_classifier.image_classifier import ImageClassifier

# Models unload themselves when they are idle, and other programs use the device: nobody tells us. A reader who finds
# that the last look is older than this has the next one made, and does not wait for it.
_FRESH_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class ModelsReport:
    """What the models beside the engine are, and where each is or would be loaded to."""

    classifier: ClassifierStatus
    writer: WriterStatus
    editor: EditorStatus
    plans: ModelPlans


class ModelResidency(StateHandler):
    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        ledger: MemoryLedger,
        device: Device,
        parked: ParkedEngines,
        classifier: ImageClassifier,
        work_threads: Executor,
        clock: Clock,
        changes: StateChanges,
    ) -> None:
        super().__init__(state, lock)
        self._ledger = ledger
        self._device = device
        self._parked = parked
        self._classifier = classifier
        self._work_threads = work_threads
        self._clock = clock
        self._changes = changes
        self._tickets = count(1)
        self._is_looking = False

    # ------------------------------------------------------------------------------------------- reports

    def report(self) -> ModelsReport:
        """For whoever is most likely to ask for a scene: the one who plays on the device's engine alone."""
        return self.report_for(self._ledger.likely_player())

    def report_for(self, asker: SessionId | None) -> ModelsReport:
        """For a session that may ask for a scene; None: nobody who plays. Reads AppState alone."""
        match self._ledger.known():
            case ModelsUnknown():
                reason = "The server is starting."
                missing = ClassifierMissing(reason), WriterMissing(reason), EditorMissing(reason)
                return ModelsReport(*missing, ModelPlans())
            case ModelsKnown() as known:
                if self._clock.monotonic() - known.looked_at > _FRESH_S:
                    self._look_soon()
                plans = self._ledger.plans_for(asker, known)
                return ModelsReport(known.classifier, known.writer, known.editor, plans)

    async def refresh(self) -> None:
        """Look again, on a thread, before the next report."""
        await in_thread(self._work_threads, self._ledger.look)

    def look(self) -> None:
        """As `refresh`, for those who are on a thread already. Blocks."""
        self._ledger.look()

    # ------------------------------------------------------------------------------------------- the classifier

    @contextmanager
    def classifying(self) -> Generator[None]:
        """While pictures are judged: the classifier knows where to work, and the next report says how it went.

        Blocks.
        """
        self._place_classifier()
        try:
            yield
        finally:
            self._ledger.look()

    def _place_classifier(self) -> None:
        status = self._classifier.status()
        if isinstance(status, ClassifierMissing) or status.memory is None or status.memory.placement is not None:
            return
        plans = self._ledger.plans_for(None, self._ledger.observe())
        self._classifier.place("resident" if isinstance(plans.classifier, Resident) else "cpu")

    # ------------------------------------------------------------------------------------------- reservations

    @asynccontextmanager
    async def reserve(self, asker: SessionId | None, step_aside: StepAside | None) -> AsyncGenerator[Reservation]:
        """Have the memory for one scene, in the order of requests, until the end of the block.

        `asker` is the session that waits for the scene (None: no session does), and `step_aside` what unloads the
        engine that it plays on.
        """
        ticket = Ticket(next(self._tickets), asker)
        self._ask(ticket)
        try:
            await self._until(lambda: self._has_turn(ticket))
            # Taken before the planner is asked, which counts on what is loaded.
            await self._until(self._take_models)
            known = await self._planned(asker)
            reservation = Reservation(
                ledger=self._ledger,
                device=self._device,
                parked=self._parked,
                known=known,
                asker=asker,
                step_aside=step_aside,
                work_threads=self._work_threads,
            )
            async with reservation:
                yield reservation
        finally:
            self._leave(ticket)
            self._changes.announce()

    async def _planned(self, asker: SessionId | None) -> ModelsKnown:
        """An engine that is being loaded has taken a part of its memory, which the planner keeps for it once more.

        So what has no room beside it is planned again once it is loaded.
        """
        while True:
            was_loading = self._ledger.is_engine_loading()
            known = await in_thread(self._work_threads, self._observe_with_room)
            plans = self._ledger.plans_for(asker, known)
            is_certain = not (was_loading or self._ledger.is_engine_loading())
            if is_certain or not any(isinstance(plan, NoRoom) for plan in (plans.writer, plans.editor)):
                return known
            await self._until(lambda: not self._ledger.is_engine_loading())

    def _observe_with_room(self) -> ModelsKnown:
        """Engines in host memory give way to the scene before it is planned. Blocks."""
        self._parked.give_way(lambda: not self._ledger.scenes_need_parked())
        return self._ledger.observe()

    def likely_player(self) -> SessionId | None:
        """Whoever plays alone on the device's engine, which could be unloaded for them."""
        return self._ledger.likely_player()

    @with_state_lock
    def _ask(self, ticket: Ticket) -> None:
        reservation_event(self._state, ReservationAsked(ticket))

    @with_state_lock
    def _leave(self, ticket: Ticket) -> None:
        if self._has_turn(ticket):
            for role, use in list(self._state.model_use.items()):
                if isinstance(use, ModelInUse):
                    model_use_event(self._state, role, ModelReturned())
        reservation_event(self._state, ReservationLeft(ticket))

    @with_state_lock
    def _take_models(self) -> bool:
        """Whether the models for scenes are this reservation's; not while one makes room for an engine."""
        if any(isinstance(use, ModelVacating) for use in self._state.model_use.values()):
            return False
        for role in self._ledger.models:
            model_use_event(self._state, role, ModelTaken())
        return True

    @with_state_lock
    def _has_turn(self, ticket: Ticket) -> bool:
        reservation = self._state.reservation
        return not isinstance(reservation, NotReserved) and reservation.holder == ticket

    async def _until(self, is_so: Callable[[], bool]) -> None:
        while True:
            mark = self._changes.mark()
            if is_so():
                return
            await self._changes.after(mark)

    # ------------------------------------------------------------------------------------------- looking again

    def _look_soon(self) -> None:
        if self._begin_look():
            with suppress(RuntimeError):  # the server is closing its threads
                self._work_threads.submit(self._look_once)

    @with_state_lock
    def _begin_look(self) -> bool:
        was_looking, self._is_looking = self._is_looking, True
        return not was_looking

    def _look_once(self) -> None:
        self._ledger.look()
        self._is_looking = False
