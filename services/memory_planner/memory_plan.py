"""Where models live beside a world engine: a pure decision from what each model needs and what is free.

All models are placed together, because what one takes is missing for the others. Of all combinations that fit, the plan
is the one that refuses the fewest models, then unloads the engine for the fewest, then keeps the most on the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from services.memory_planner.demand import PlacementOption, fits
from services.memory_planner.plan_words import reason_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.memory_planner.model_memory import Placement
    from services.memory_planner.situation import Machine, ModelRequirement


@dataclass(frozen=True, slots=True)
class Resident:
    """All of it on the device."""

    reason: str


@dataclass(frozen=True, slots=True)
class Offloaded:
    """In RAM; each part is on the device while it works."""

    reason: str


@dataclass(frozen=True, slots=True)
class OnCpu:
    """Without a device. A picture takes minutes."""

    reason: str


@dataclass(frozen=True, slots=True)
class InsteadOfEngine:
    """The world engine is unloaded meanwhile, and loaded again when the model is done and gone."""

    placement: Placement
    reason: str


@dataclass(frozen=True, slots=True)
class NoRoom:
    """It is not loaded. `reason` names the numbers, and what would help."""

    reason: str


MemoryPlan: TypeAlias = Resident | Offloaded | OnCpu | InsteadOfEngine | NoRoom


def plan_models(machine: Machine, requirements: Sequence[ModelRequirement]) -> tuple[MemoryPlan, ...]:
    """A plan for each requirement, in the order given; of two models, the earlier one gets the better place.

    Unknown RAM counts as enough, unknown memory of a device as none.
    """
    choices = product(*(_options(requirement, machine) for requirement in requirements))
    best = min(
        (options for options in choices if fits(machine, requirements, options)),
        key=lambda options: _cost(requirements, options),
    )
    pairs = list(zip(requirements, best, strict=True))
    return tuple(
        _plan(option, reason_for(requirement, option, machine, [pair for pair in pairs if pair[0] is not requirement]))
        for requirement, option in pairs
    )


def _options(requirement: ModelRequirement, machine: Machine) -> tuple[PlacementOption, ...]:
    """Where the model could be put. The last option always fits."""
    engine, memory, asked = machine.engine, requirement.memory, requirement.asked
    may_replace = (
        requirement.is_for_scenes and engine is not None and engine.stays is None and machine.unload_engine != "never"
    )
    must_replace = may_replace and machine.unload_engine == "always"
    if memory.placement is not None:
        return (PlacementOption(memory.placement, is_given=True),)
    if asked != "auto":
        return (PlacementOption(asked, in_engines_place=must_replace and asked != "cpu", is_given=True),)
    has_device = machine.free.vram is not None
    usable: list[Placement] = [option for option in memory.placements if option == "cpu" or has_device]
    beside = [] if must_replace else [PlacementOption(placement) for placement in usable]
    instead = [
        PlacementOption(placement, in_engines_place=True) for placement in usable if may_replace and placement != "cpu"
    ]
    last = PlacementOption(None) if requirement.is_for_scenes else PlacementOption("cpu", is_given=True)
    return (*beside, *instead, last)


def _cost(requirements: Sequence[ModelRequirement], options: Sequence[PlacementOption]) -> tuple[int, ...]:
    each = [_cost_of(requirement, option) for requirement, option in zip(requirements, options, strict=True)]
    return (sum(each), *each)


def _cost_of(requirement: ModelRequirement, option: PlacementOption) -> int:
    if option.placement is None:
        return 10_000
    placements = requirement.memory.placements
    rank = placements.index(option.placement) if option.placement in placements else len(placements)
    return rank + 100 if option.in_engines_place else rank


def _plan(option: PlacementOption, reason: str) -> MemoryPlan:
    if option.placement is None:
        return NoRoom(reason)
    if option.in_engines_place:
        return InsteadOfEngine(option.placement, reason)
    match option.placement:
        case "resident":
            return Resident(reason)
        case "offloaded":
            return Offloaded(reason)
        case "cpu":
            return OnCpu(reason)
