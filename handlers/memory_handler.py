"""Where the models beside the world engine live: what is known of the machine, put before the planner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from services.image_classifier.image_classifier import ClassifierMissing
from services.image_editor.image_editor import EditorReady
from services.memory_planner.memory_plan import InsteadOfEngine, MemoryPlan, Offloaded, Resident, plan_models
from services.memory_planner.situation import ModelRequirement, EngineOnDevice, FreeMemory, Machine
from services.prompt_writer.prompt_writer import WriterReady
from state.app_state_types import (
    EngineAside,
    EngineFailed,
    EngineLoading,
    EngineReady,
    EngineState,
    EngineUnloaded,
    SessionId,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from handlers.engines_handler import EnginesHandler
    from runtime_config.runtime_config import AuthoringConfig
    from services.image_classifier.image_classifier import ImageClassifier
    from services.image_editor.image_editor import ImageEditor
    from services.prompt_writer.prompt_writer import PromptWriter
    from services.system_monitor.system_monitor import SystemMonitor
    from services.world_engine.catalogue import CatalogueEntry

SceneRole: TypeAlias = Literal["writer", "editor"]
Role: TypeAlias = SceneRole | Literal["classifier"]

# Who has the better place: pictures are checked at any time, and a wish comes before its picture.
_ORDER: Final[tuple[Role, ...]] = ("classifier", "writer", "editor")


class MemoryHandler:
    """Nothing is remembered here: what is free, loaded and played is read each time."""

    def __init__(
        self,
        engines: EnginesHandler,
        *,
        monitor: SystemMonitor,
        classifier: ImageClassifier,
        writer: PromptWriter,
        editor: ImageEditor,
        config: AuthoringConfig,
    ) -> None:
        self._engines = engines
        self._monitor = monitor
        self._classifier = classifier
        self._writer = writer
        self._editor = editor
        self._config = config

    def plans(self, asker: SessionId | None) -> Mapping[Role, MemoryPlan]:
        """Where each model is, or would be loaded to if `asker` wanted a scene (None: nobody who plays).

        Those that take no memory of this machine are left out.
        """
        requirements = self._contenders()
        roles: list[Role] = [role for role in _ORDER if role in requirements]
        plans = plan_models(self._machine(asker), [requirements[role] for role in roles])
        aside = self._engine_aside()
        return {
            role: plan if aside is None else _in_its_place(plan, aside, is_loaded=requirements[role].is_loaded)
            for role, plan in zip(roles, plans, strict=True)
        }

    def plan_in_engines_place(self, role: Role) -> MemoryPlan | None:
        """Where a model can be loaded while the engine is aside, and no other model for scenes is loaded.

        None: it takes no memory of this machine.
        """
        requirements = self._contenders()
        if role not in requirements:
            return None
        chosen = [requirement for one, requirement in requirements.items() if one in {"classifier", role}]
        machine = Machine(self._free(), unload_engine=self._config.unload_engine)
        return plan_models(machine, chosen)[-1]

    def place_classifier(self) -> None:
        """Before pictures are checked: where the classifier is to be loaded, if it is not there already."""
        requirement = self._contenders().get("classifier")
        if requirement is None or requirement.memory.placement is not None:
            return
        on_device = isinstance(self.plans(None).get("classifier"), Resident)
        self._classifier.place("resident" if on_device else "cpu")

    def is_in_the_way_of(self, engine: CatalogueEntry, role: SceneRole) -> bool:
        """Whether a model is on the device, where the engine has too little room."""
        free, requirement = self._free().vram, self._contenders().get(role)
        if free is None or requirement is None:
            return False
        return requirement.memory.placement == "resident" and free < engine.memory.vram

    def likely_asker(self) -> SessionId | None:
        """Whoever plays on the device's engine alone: for them it could give way."""
        match self._engines.on_device():
            case _, EngineReady(users=users) if len(users) == 1:
                return next(iter(users))
            case _:
                return None

    # ------------------------------------------------------------------------------------------------------ parts

    def _contenders(self) -> Mapping[Role, ModelRequirement]:
        found: dict[Role, ModelRequirement] = {}
        classifier, writer, editor = self._classifier.status(), self._writer.status(), self._editor.status()
        if not isinstance(classifier, ClassifierMissing) and classifier.memory is not None:
            memory = classifier.memory
            found["classifier"] = ModelRequirement(
                "The picture check", memory, is_loaded=memory.placement is not None, is_for_scenes=False
            )
        if isinstance(writer, WriterReady) and writer.memory is not None and self._config.local_writer != "off":
            found["writer"] = ModelRequirement("The writer", writer.memory, self._config.local_writer, writer.is_loaded)
        if isinstance(editor, EditorReady) and editor.memory is not None and self._config.local_images != "off":
            found["editor"] = ModelRequirement(
                "The image model", editor.memory, self._config.local_images, editor.is_loaded
            )
        return found

    def _machine(self, asker: SessionId | None) -> Machine:
        engine, promised_vram, promised_ram = None, 0, 0
        match self._on_device():
            case None:
                pass
            case entry, EngineReady(users=users):
                engine = EngineOnDevice(entry.title, entry.memory.vram, _why_it_stays(entry, users - {asker}))
            case entry, EngineLoading() | EngineAside():
                promised_vram, promised_ram = entry.memory.vram, entry.memory.ram
            case entry, EngineUnloaded() | EngineFailed():
                # Nobody plays on it yet. Room is kept for it, which a scene may use that leaves nothing behind.
                promised_vram, promised_ram = entry.memory.vram, entry.memory.ram
                engine = EngineOnDevice(entry.title, entry.memory.vram)
        return Machine(self._free(), engine, promised_vram, promised_ram, self._config.unload_engine)

    def _engine_aside(self) -> str | None:
        match self._on_device():
            case entry, EngineAside():
                return entry.title
            case _:
                return None

    def _on_device(self) -> tuple[CatalogueEntry, EngineState] | None:
        found = self._engines.on_device()
        return None if found is None else (self._engines.entry(found[0].model_id), found[1])

    def _free(self) -> FreeMemory:
        machine, usage = self._monitor.machine(), self._monitor.usage()
        return FreeMemory(
            vram=_difference(machine.vram_total_bytes, usage.vram_used_bytes),
            ram=_difference(usage.ram_total_bytes, usage.ram_used_bytes),
        )


def _in_its_place(plan: MemoryPlan, engine: str, *, is_loaded: bool) -> MemoryPlan:
    """What is on the device while its engine is aside."""
    if not (is_loaded and isinstance(plan, Resident | Offloaded)):
        return plan
    placement = "resident" if isinstance(plan, Resident) else "offloaded"
    return InsteadOfEngine(placement, f"It is loaded, and {engine} is unloaded until the scene is made.")


def _why_it_stays(entry: CatalogueEntry, others: Collection[SessionId]) -> str | None:
    if not entry.memory.can_be_unloaded_in_play:
        return "it cannot be unloaded in play"
    return "somebody else plays on it" if others else None


def _difference(total: int | None, used: int | None) -> int | None:
    return None if total is None or used is None else max(0, total - used)
