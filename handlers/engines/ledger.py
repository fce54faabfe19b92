"""What is in memory where: what models say of themselves and what is free, put before the planner."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Protocol

import structlog

from handlers.base import StateChanges, StateHandler, with_state_lock
from handlers.engines.device import engines_there
from handlers.engines.facts import ModelFacts, ModelFactsReader
from handlers.engines.fitting import parked_memory, room_of
from handlers.engines.on_device import OnDevice, on_device
from handlers.engines.planning import place_of, places_of, plan_film, plan_in_engines_place, plan_scenes
from services.memory_planner.engine_fit import DoesNotFit
from services.memory_planner.situation import FreeMemory
from state.app_state_types import (
    AppState,
    DeviceReserved,
    EngineKey,
    EngineLoading,
    EngineParking,
    EngineReady,
    EngineUnloading,
    SessionId,
    leases_of,
)
from state.events import ModelsObserved, VacatingBegan, VacatingEnded
from state.model_states import ModelIdle, ModelPlans, ModelsKnown, ModelsUnknown, SceneRole
from state.transitions import model_use_event, models_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import RLock

    from handlers.engines.fitting import EngineNeedsBook, ParkedMemory
    from runtime_config.authoring_config import AuthoringConfig, UnloadEngine
    from runtime_config.current import Current
    from services.clock.clock import Clock
    from services.image_classifier.image_classifier import ImageClassifier
    from services.image_editor.image_editor import ImageEditor
    from services.memory_planner.engine_fit import EngineFit
    from services.memory_planner.memory_plan import MemoryPlan
    from services.memory_planner.model_memory import ModelMemory, Placement
    from services.prompt_writer.prompt_writer import PromptWriter
    from services.system_monitor.system_monitor import SystemMonitor
    from services.video_pipeline.video_pipeline import FastVideoPipeline
    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class SceneModel(Protocol):
    """What a prompt writer and an image editor have in common."""

    def place(self, placement: Placement) -> None: ...

    async def prepare(self) -> None: ...

    def unload(self) -> None: ...


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
        self._facts = ModelFactsReader(
            monitor=monitor, classifier=classifier, writer=writer, editor=editor, config=config
        )
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
        alone = shared = plan_scenes(facts, there, self._unload_engine, is_shared=False)
        if there is not None and isinstance(there.state, EngineReady):
            shared = plan_scenes(facts, there, self._unload_engine, is_shared=True)
        known = ModelsKnown(look, now, facts.classifier, facts.writer, facts.editor, alone, shared)
        self._keep(known)
        return known

    def plans_in_engines_place(self) -> Mapping[SceneRole, MemoryPlan]:
        """See `plan_in_engines_place`."""
        return plan_in_engines_place(self._read(), self._unload_engine)

    def plan_film(self, memory: ModelMemory) -> MemoryPlan:
        """See `planning.plan_film`."""
        return self._plan_film(memory, self._with_parked(room_of(self._monitor).free))

    # --------------------------------------------------------------------------- whose memory the plans count on

    def scenes_need_parked(self) -> bool:
        """Whether models for scenes have their places only once engines in host memory have given way."""
        there = self._on_device()
        is_shared = there is not None and bool(there.players)
        now, then = (
            places_of(plan_scenes(facts, there, self._unload_engine, is_shared=is_shared))
            for facts in self._without_and_with_parked()
        )
        return now != then

    def scenes_in_engines_place_need_parked(self) -> bool:
        """As `scenes_need_parked`, while the device is free of engines."""
        now, then = (
            {role: place_of(plan) for role, plan in plan_in_engines_place(facts, self._unload_engine).items()}
            for facts in self._without_and_with_parked()
        )
        return now != then

    def film_needs_parked(self, memory: ModelMemory) -> bool:
        """Whether the film model has its place only once engines in host memory have given way."""
        free = room_of(self._monitor).free
        now, then = (place_of(self._plan_film(memory, each)) for each in (free, self._with_parked(free)))
        return now != then

    # ------------------------------------------------------------------------------------------- engines

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
        held = self._held()
        return self._needs.fit(
            entry,
            quant,
            replace(
                room,
                yielding_vram=models + held.vram + sum(each.vram for each in needs),
                yielding_ram=held.ram + sum(each.ram for each in needs),
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

    def make_room_for(self, engine: CatalogueEntry, *, is_parked: bool) -> None:
        """Unload idle models from a device that has too little room for an engine; models in use are left alone.

        Films are left off in the middle, and begun again when there is room: play comes first. Worlds that wait for
        their players stay where engines in host memory can make the room instead.
        """
        free = room_of(self._monitor).free
        ram = self._with_parked(free).ram
        if ram is not None and not is_parked and ram < engine.memory.ram:
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
            isinstance(state, EngineLoading | EngineUnloading | EngineParking) or leases_of(state)
            for _, _, state in engines_there(self._state.engines, self._catalogue)
        )

    @with_state_lock
    def is_engine_loading(self) -> bool:
        """Whether an engine is on its way to the device."""
        there = engines_there(self._state.engines, self._catalogue)
        return any(isinstance(state, EngineLoading) for _, _, state in there)

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
        there = self._on_device()
        return frozenset() if there is None else there.players

    @with_state_lock
    def _on_device(self) -> OnDevice | None:
        return on_device(self._state, self._catalogue)

    @with_state_lock
    def _plan_film(self, memory: ModelMemory, free: FreeMemory) -> MemoryPlan:
        there, is_in_use = self._on_device(), self.is_device_in_use()
        return plan_film(memory, free, there, self._unload_engine, is_in_use=is_in_use)

    @property
    def _unload_engine(self) -> UnloadEngine:
        return self._config.now.unload_engine

    def _read(self) -> ModelFacts:
        """What engines in host memory hold counts as free, because they give way."""
        return self._without_and_with_parked()[1]

    def _without_and_with_parked(self) -> tuple[ModelFacts, ModelFacts]:
        """What is free as it is, and once engines in host memory have given way."""
        facts = self._facts.read()
        return facts, replace(facts, free=self._with_parked(facts.free))

    def _with_parked(self, free: FreeMemory) -> FreeMemory:
        """What they keep of the device is an estimate, which may be too much for the card."""
        held, card = self._held(), self._monitor.machine().vram_total_bytes
        vram = None if free.vram is None else free.vram + held.vram
        return FreeMemory(
            vram=vram if vram is None or card is None else min(vram, card),
            ram=None if free.ram is None else free.ram + held.ram,
        )

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
    def _held(self) -> ParkedMemory:
        return parked_memory(self._state.engines)

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
