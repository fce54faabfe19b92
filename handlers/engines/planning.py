"""Where models for scenes and films can be, by what was read and whose device it is: decisions without side effects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from handlers.engines.on_device import OnDevice
from services.memory_planner.memory_plan import InsteadOfEngine, MemoryPlan, Offloaded, Resident, plan_models
from services.memory_planner.situation import EngineOnDevice, FreeMemory, Machine, ModelRequirement
from state.app_state_types import EngineReady, EngineUnloaded
from state.model_states import ModelPlans, Role, SceneRole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.engines.facts import ModelFacts
    from runtime_config.authoring_config import UnloadEngine
    from services.memory_planner.model_memory import ModelMemory
    from services.world_engine.catalogue import CatalogueEntry

# Of two models, the earlier one gets the better place. Pictures are checked at any time, and a prompt is written before
# its picture is made.
_ORDER: Final[tuple[Role, ...]] = ("classifier", "writer", "editor")
_SCENE_ROLES: Final[tuple[SceneRole, ...]] = ("writer", "editor")


def plan_scenes(
    facts: ModelFacts, there: OnDevice | None, unload_engine: UnloadEngine, *, is_shared: bool
) -> ModelPlans:
    """`is_shared`: others than whoever asks play on the device's engine."""
    roles: list[Role] = [role for role in _ORDER if role in facts.requirements]
    machine = _machine(facts.free, there, unload_engine, is_shared=is_shared)
    plans = dict(zip(roles, plan_models(machine, [facts.requirements[role] for role in roles]), strict=True))
    if there is not None and there.is_offloaded:
        plans = {
            role: _in_its_place(plan, there.entry.title, is_loaded=facts.requirements[role].is_loaded)
            for role, plan in plans.items()
        }
    return ModelPlans(plans.get("classifier"), plans.get("writer"), plans.get("editor"))


def plan_in_engines_place(facts: ModelFacts, unload_engine: UnloadEngine) -> Mapping[SceneRole, MemoryPlan]:
    """Where each model for scenes can be loaded by itself while the device is free of engines.

    Those that take no memory of this machine are left out.
    """
    machine = Machine(facts.free, unload_engine=unload_engine)
    beside = [facts.requirements["classifier"]] if "classifier" in facts.requirements else []
    return {
        role: plan_models(machine, [*beside, facts.requirements[role]])[-1]
        for role in _SCENE_ROLES
        if role in facts.requirements
    }


def plan_film(
    memory: ModelMemory, free: FreeMemory, there: OnDevice | None, unload_engine: UnloadEngine, *, is_in_use: bool
) -> MemoryPlan:
    """Where the model that makes films can be, beside what is there. An engine in use stays, an idle one goes."""
    machine = _machine(free, there, unload_engine, is_shared=is_in_use)
    if machine.engine is not None and not is_in_use:
        machine = replace(machine, engine=replace(machine.engine, stays=None))
    requirement = ModelRequirement("The film model", memory, is_loaded=memory.placement is not None)
    return plan_models(machine, [requirement])[0]


def places_of(plans: ModelPlans) -> tuple[object, ...]:
    return tuple(place_of(plan) for plan in (plans.classifier, plans.writer, plans.editor))


def place_of(plan: MemoryPlan | None) -> tuple[object, ...]:
    """Where a plan puts its model, without the numbers of its reason."""
    return (type(plan), plan.placement if isinstance(plan, InsteadOfEngine) else None)


def _in_its_place(plan: MemoryPlan, engine: str, *, is_loaded: bool) -> MemoryPlan:
    """The plan of a model that is on the device while `engine` is offloaded."""
    if not (is_loaded and isinstance(plan, Resident | Offloaded)):
        return plan
    placement = "resident" if isinstance(plan, Resident) else "offloaded"
    return InsteadOfEngine(placement, f"It is loaded, and {engine} is unloaded until the scene is made.")


def _machine(free: FreeMemory, there: OnDevice | None, unload_engine: UnloadEngine, *, is_shared: bool) -> Machine:
    if there is None:
        return Machine(free, unload_engine=unload_engine)
    title, memory = there.entry.title, there.entry.memory
    match there:
        case OnDevice(state=EngineReady()):
            engine = EngineOnDevice(title, memory.vram, _why_it_stays(there.entry, is_shared=is_shared))
            return Machine(free, engine, unload_engine=unload_engine)
        case OnDevice(state=EngineUnloaded(), is_offloaded=False):
            # Nobody plays on it yet. Its room is kept, and a scene may use it that leaves nothing behind.
            engine = EngineOnDevice(title, memory.vram)
        case _:
            engine = None
    return Machine(free, engine, memory.vram, memory.ram, unload_engine)


def _why_it_stays(entry: CatalogueEntry, *, is_shared: bool) -> str | None:
    if not entry.memory.can_be_unloaded_in_play:
        return "it cannot be unloaded in play"
    return "somebody else plays on it" if is_shared else None
