"""What is in memory where: what models say of themselves and what is free, put before the planner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from handlers.base import StateChanges, StateHandler, with_state_lock
from handlers.engines.device import engines_there
from handlers.engines.fitting import room_of
from services.image_classifier.image_classifier import ClassifierMissing, ClassifierStatus
from services.image_editor.image_editor import EditorReady, EditorStatus
from services.memory_planner.engine_fit import DoesNotFit
from services.memory_planner.memory_plan import InsteadOfEngine, MemoryPlan, Offloaded, Resident, plan_models
from services.memory_planner.situation import EngineOnDevice, FreeMemory, Machine, ModelRequirement
from services.prompt_writer.prompt_writer import WriterReady, WriterStatus
from state.app_state_types import (
    AppState,
    DeviceReserved,
    EngineKey,
    EngineLoading,
    EngineReady,
    EngineState,
    EngineUnloaded,
    EngineUnloading,
    SessionId,
    leases_of,
)
from state.events import ModelsObserved, VacatingBegan, VacatingEnded
from state.model_states import ModelIdle, ModelPlans, ModelsKnown, ModelsUnknown, Role, SceneRole
from state.transitions import model_use_event, models_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import RLock

    from handlers.engines.fitting import EngineNeedsBook
    from runtime_config.authoring_config import AuthoringConfig
    from runtime_config.current import Current
    from services.clock.clock import Clock
    from services.image_classifier.image_classifier import ImageClassifier
    from services.image_editor.image_editor import ImageEditor
    from services.memory_planner.engine_fit import EngineFit
    from services.memory_planner.model_memory import ModelMemory, Placement
    from services.prompt_writer.prompt_writer import PromptWriter
    from services.system_monitor.system_monitor import SystemMonitor
    from services.video_pipeline.video_pipeline import FastVideoPipeline
    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

# Of two models, the earlier one gets the better place. Pictures are checked at any time, and a prompt is written before
# its picture is made.
_ORDER: Final[tuple[Role, ...]] = ("classifier", "writer", "editor")


class SceneModel(Protocol):
    """What a prompt writer and an image editor have in common."""

    def place(self, placement: Placement) -> None: ...

    async def prepare(self) -> None: ...

    def unload(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Facts:
    """What was read at one moment. `requirements` has the models that take memory of this machine."""

    classifier: ClassifierStatus
    writer: WriterStatus
    editor: EditorStatus
    requirements: Mapping[Role, ModelRequirement]
    free: FreeMemory


@dataclass(frozen=True, slots=True)
class _OnDevice:
    """The engine whose device it is. `is_offloaded`: it is out of memory, and models may be in its place."""

    entry: CatalogueEntry
    state: EngineState
    is_offloaded: bool = False


class MemoryLedger(StateHandler):
    """`look` reads the disk and the device's driver, and asks the planner: it blocks, and is called on threads.

    Its result is kept in AppState, where everybody else reads it.
    """

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        catalogue: WorldEngineCatalogue,
        monitor: SystemMonitor,
        classifier: ImageClassifier,
        writer: PromptWriter,
        editor: ImageEditor,
        films: FastVideoPipeline,
        config: Current[AuthoringConfig],
        clock: Clock,
        changes: StateChanges,
        needs: EngineNeedsBook,
        free_memory: Callable[[], None],
    ) -> None:
        """`free_memory` gives up what this machine's memory holds for later alone."""
        super().__init__(state, lock)
        self._catalogue = catalogue
        self._monitor = monitor
        self._needs = needs
        self._free_memory = free_memory
        self._classifier = classifier
        self._writer = writer
        self._editor = editor
        self._films = films
        self._given_way = 0
        self._config = config
        self._clock = clock
        self._changes = changes
        self._looks = count(1)

    @property
    def models(self) -> Mapping[SceneRole, SceneModel]:
        return {"writer": self._writer, "editor": self._editor}

    # ------------------------------------------------------------------------------------------- looking, which blocks

    def look(self) -> None:
        """Read everything, plan, and keep the result in AppState. Never raises: the last result stays then."""
        try:
            self.observe()
        except Exception as error:  # services may raise anything when files or a driver go away under them
            logger.exception("The memory of this machine could not be read", exc_info=error)

    def observe(self) -> ModelsKnown:
        """As `look`; what was kept. Raises what the services raise."""
        look, now = self._next_look(), self._clock.monotonic()
        facts, there = self._read(), self._on_device()
        alone = shared = self._plans(facts, there, is_shared=False)
        if there is not None and isinstance(there.state, EngineReady):
            shared = self._plans(facts, there, is_shared=True)
        known = ModelsKnown(look, now, facts.classifier, facts.writer, facts.editor, alone, shared)
        self._keep(known)
        return known

    def plans_in_engines_place(self) -> Mapping[SceneRole, MemoryPlan]:
        """Where each model for scenes can be loaded by itself while the device is free of engines.

        Those that take no memory of this machine are left out.
        """
        facts = self._read()
        machine = Machine(facts.free, unload_engine=self._config.now.unload_engine)
        beside = [facts.requirements["classifier"]] if "classifier" in facts.requirements else []
        return {
            role: plan_models(machine, [*beside, facts.requirements[role]])[-1]
            for role in self.models
            if role in facts.requirements
        }

    def plan_film(self, memory: ModelMemory) -> MemoryPlan:
        """Where the model that makes films can be, beside what is there. An engine in use stays, an idle one goes."""
        in_use = self.is_device_in_use()
        machine = self._machine(room_of(self._monitor).free, self._on_device(), is_shared=in_use)
        if machine.engine is not None and not in_use:
            machine = replace(machine, engine=replace(machine.engine, stays=None))
        requirement = ModelRequirement("The film model", memory, is_loaded=memory.placement is not None)
        return plan_models(machine, [requirement])[0]

    def fit(self, entry: CatalogueEntry, quant: str) -> EngineFit:
        """Whether an engine fits beside what is loaded. One that is loaded fits."""
        key = EngineKey(entry.model_id, quant)
        room, facts = room_of(self._monitor), self._read()
        models = sum(
            facts.requirements[role].memory.size.total
            for role in self._idle_models()
            if role in facts.requirements and facts.requirements[role].memory.placement == "resident"
        )
        yielding, keeper = self._engines_beside(key, is_on_device=entry.placement == "device")
        needs = [self._needs.needs(*each) for each in yielding]
        return self._needs.fit(
            entry,
            quant,
            replace(
                room,
                yielding_vram=models + sum(each.vram for each in needs),
                yielding_ram=sum(each.ram for each in needs),
                keeper=keeper,
            ),
        )

    def refusal(self, engine: CatalogueEntry, quant: str) -> str | None:
        """Why the engine certainly has no room, with what to do; None: it may have."""
        match self.fit(engine, quant):
            case DoesNotFit(reason, is_certain=True):
                return (
                    f"{engine.title} does not fit on this machine. {reason} Unload other models, or choose a smaller"
                    " quantisation or another model. The owner can load it anyway."
                )
            case _:
                return None

    def make_room_for(self, engine: CatalogueEntry) -> None:
        """Unload idle models from a device that has too little room for an engine; models in use are left alone.

        Films are left off in the middle, and begun again when there is room: play comes first.
        """
        free = room_of(self._monitor).free
        if free.ram is not None and free.ram < engine.memory.ram:
            self._free_memory()
        vram = free.vram or 0
        if engine.placement == "device" and self._film_on_device() is not None and vram < engine.memory.vram:
            logger.info("The film model makes room for a world engine", model=engine.model_id)
            self._given_way += 1
            self._films.unload()
        for role, model in self.models.items():
            if self._is_in_the_way_of(engine, role) and self._begin_vacating(role):
                try:
                    logger.info("A model for scenes makes room for a world engine", model=engine.model_id, role=role)
                    model.unload()
                finally:
                    self._end_vacating(role)
        self.look()

    def _film_on_device(self) -> ModelMemory | None:
        memory = self._films.needs()
        return memory if memory is not None and memory.placement in {"resident", "offloaded"} else None

    # ------------------------------------------------------------------------------------------- reading AppState alone

    @property
    def films_given_way(self) -> int:
        """How often a film has made room for an engine."""
        return self._given_way

    @with_state_lock
    def is_device_in_use(self) -> bool:
        """Whether an engine of the device is played on, or comes or goes; or a scene is made in its place."""
        return isinstance(self._state.reservation, DeviceReserved) or any(
            isinstance(state, EngineLoading | EngineUnloading) or leases_of(state)
            for _, _, state in engines_there(self._state.engines, self._catalogue)
        )

    @with_state_lock
    def idle_on_device(self) -> tuple[EngineKey, CatalogueEntry] | None:
        """The engine that is loaded on the device, and that nobody uses."""
        for entry, key, state in engines_there(self._state.engines, self._catalogue):
            if isinstance(state, EngineReady) and not state.leases:
                return key, entry
        return None

    @with_state_lock
    def known(self) -> ModelsKnown | ModelsUnknown:
        return self._state.models

    @with_state_lock
    def likely_player(self) -> SessionId | None:
        """Whoever plays alone on the device's engine, which could be unloaded for them."""
        sessions = self._players()
        return next(iter(sessions)) if len(sessions) == 1 else None

    @with_state_lock
    def plans_for(self, asker: SessionId | None, known: ModelsKnown) -> ModelPlans:
        """Where models would be loaded if `asker` wanted a scene (None: nobody who plays)."""
        return known.if_shared if self._players() - {asker} else known.if_alone

    # ------------------------------------------------------------------------------------------------------ parts

    @with_state_lock
    def _players(self) -> frozenset[SessionId]:
        match self._on_device():
            case _OnDevice(state=EngineReady(leases=leases)):
                return frozenset(lease.session for lease in leases if not lease.gives_way)
            case _:
                return frozenset()

    @with_state_lock
    def _on_device(self) -> _OnDevice | None:
        """The engine that has the device, or is on its way there, or would be the next; None: no engine uses it."""
        offloaded: _OnDevice | None = None
        for entry, _, state in engines_there(self._state.engines, self._catalogue):
            if isinstance(state, EngineReady | EngineLoading):
                return _OnDevice(entry, state)
            if leases_of(state):
                offloaded = _OnDevice(entry, state, is_offloaded=True)
        return offloaded or self._next_on_device()

    def _next_on_device(self) -> _OnDevice | None:
        match self._state.reservation:
            case DeviceReserved(engine=EngineKey(model_id)) if (entry := self._catalogue.find(model_id)) is not None:
                return _OnDevice(entry, EngineUnloaded(), is_offloaded=True)
            case _:
                default = self._catalogue.default
                return None if default.placement == "cpu" else _OnDevice(default, EngineUnloaded())

    @with_state_lock
    def _engines_beside(
        self, key: EngineKey, *, is_on_device: bool
    ) -> tuple[list[tuple[CatalogueEntry, str]], str | None]:
        """Engines with their quantisations whose memory the engine could have, its own included; and the title of the
        one on the device that somebody plays on."""
        entry = self._catalogue.find(key.model_id)
        is_loaded = isinstance(self._state.engines.get(key), EngineReady)
        yielding = [(entry, key.quant)] if entry is not None and is_loaded else []
        keeper: str | None = None
        for other, other_key, state in engines_there(self._state.engines, self._catalogue) if is_on_device else ():
            if other_key == key or not isinstance(state, EngineReady):
                continue
            if state.leases:
                keeper = other.title
            else:
                yielding.append((other, other_key.quant))
        return yielding, keeper

    @with_state_lock
    def _idle_models(self) -> tuple[SceneRole, ...]:
        return tuple(
            role for role in self.models if isinstance(self._state.model_use.get(role, ModelIdle()), ModelIdle)
        )

    @with_state_lock
    def _begin_vacating(self, role: SceneRole) -> bool:
        """Whether no reservation uses the model. None can take it until `_end_vacating`."""
        if self._state.model_use.get(role, ModelIdle()) != ModelIdle():
            return False
        model_use_event(self._state, role, VacatingBegan())
        return True

    def _end_vacating(self, role: SceneRole) -> None:
        with self._lock:
            model_use_event(self._state, role, VacatingEnded())
        self._changes.announce()

    def _is_in_the_way_of(self, engine: CatalogueEntry, role: SceneRole) -> bool:
        """Whether a model is on the device, where the engine has too little room."""
        facts = self._read()
        free, requirement = facts.free.vram, facts.requirements.get(role)
        if free is None or requirement is None:
            return False
        return requirement.memory.placement == "resident" and free < engine.memory.vram

    @with_state_lock
    def _next_look(self) -> int:
        return next(self._looks)

    @with_state_lock
    def _keep(self, known: ModelsKnown) -> None:
        models_event(self._state, ModelsObserved(known))

    def _read(self) -> _Facts:
        classifier, writer, editor = self._classifier.status(), self._writer.status(), self._editor.status()
        found: dict[Role, ModelRequirement] = {}
        if not isinstance(classifier, ClassifierMissing) and classifier.memory is not None:
            memory = classifier.memory
            found["classifier"] = ModelRequirement(
                "The picture check", memory, is_loaded=memory.placement is not None, is_for_scenes=False
            )
        asked = self._config.now.local_writer
        if isinstance(writer, WriterReady) and writer.memory is not None and asked != "off":
            found["writer"] = ModelRequirement("The writer", writer.memory, asked, writer.is_loaded)
        asked = self._config.now.local_images
        if isinstance(editor, EditorReady) and editor.memory is not None and asked != "off":
            found["editor"] = ModelRequirement("The image model", editor.memory, asked, editor.is_loaded)
        return _Facts(classifier, writer, editor, found, room_of(self._monitor).free)

    def _plans(self, facts: _Facts, there: _OnDevice | None, *, is_shared: bool) -> ModelPlans:
        roles: list[Role] = [role for role in _ORDER if role in facts.requirements]
        machine = self._machine(facts.free, there, is_shared=is_shared)
        plans = dict(zip(roles, plan_models(machine, [facts.requirements[role] for role in roles]), strict=True))
        if there is not None and there.is_offloaded:
            plans = {
                role: _in_its_place(plan, there.entry.title, is_loaded=facts.requirements[role].is_loaded)
                for role, plan in plans.items()
            }
        return ModelPlans(plans.get("classifier"), plans.get("writer"), plans.get("editor"))

    def _machine(self, free: FreeMemory, there: _OnDevice | None, *, is_shared: bool) -> Machine:
        unload_engine = self._config.now.unload_engine
        if there is None:
            return Machine(free, unload_engine=unload_engine)
        title, memory = there.entry.title, there.entry.memory
        match there:
            case _OnDevice(state=EngineReady()):
                engine = EngineOnDevice(title, memory.vram, _why_it_stays(there.entry, is_shared=is_shared))
                return Machine(free, engine, unload_engine=unload_engine)
            case _OnDevice(state=EngineUnloaded(), is_offloaded=False):
                # Nobody plays on it yet. Its room is kept, and a scene may use it that leaves nothing behind.
                engine = EngineOnDevice(title, memory.vram)
            case _:
                engine = None
        return Machine(free, engine, memory.vram, memory.ram, unload_engine)


def _in_its_place(plan: MemoryPlan, engine: str, *, is_loaded: bool) -> MemoryPlan:
    """The plan of a model that is on the device while `engine` is offloaded."""
    if not (is_loaded and isinstance(plan, Resident | Offloaded)):
        return plan
    placement = "resident" if isinstance(plan, Resident) else "offloaded"
    return InsteadOfEngine(placement, f"It is loaded, and {engine} is unloaded until the scene is made.")


def _why_it_stays(entry: CatalogueEntry, *, is_shared: bool) -> str | None:
    if not entry.memory.can_be_unloaded_in_play:
        return "it cannot be unloaded in play"
    return "somebody else plays on it" if is_shared else None
