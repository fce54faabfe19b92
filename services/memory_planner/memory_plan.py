"""Where models live beside a world engine: a pure decision from what each of them needs and what is free.

All are placed together, as what one of them takes is missing for the others. Of everything that fits, the plan is what
refuses the fewest, then has the engine unloaded for the fewest, then has the fewest away from the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from services.memory_planner.demand import Spot, fits
from services.memory_planner.plan_words import reason_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.memory_planner.model_memory import Placement
    from services.memory_planner.situation import Contender, Machine


@dataclass(frozen=True, slots=True)
class Resident:
    """All of it on the device."""

    reason: str


@dataclass(frozen=True, slots=True)
class Offloaded:
    """In RAM, each part on the device while it works."""

    reason: str


@dataclass(frozen=True, slots=True)
class OnCpu:
    """Without a device; minutes for a picture."""

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


def plan_models(machine: Machine, contenders: Sequence[Contender]) -> tuple[MemoryPlan, ...]:
    """A plan for each, in their order, which also decides who of two has the better place. Unknown RAM is taken for
    enough, unknown memory of a device for none."""
    choices = product(*(_spots(contender, machine) for contender in contenders))
    best = min(
        (spots for spots in choices if fits(machine, contenders, spots)), key=lambda spots: _cost(contenders, spots)
    )
    pairs = list(zip(contenders, best, strict=True))
    return tuple(
        _plan(spot, reason_for(contender, spot, machine, [pair for pair in pairs if pair[0] is not contender]))
        for contender, spot in pairs
    )


def _spots(contender: Contender, machine: Machine) -> tuple[Spot, ...]:
    """Where it could be put; the last one is always possible."""
    engine, memory, asked = machine.engine, contender.memory, contender.asked
    may_replace = (
        contender.is_for_scenes and engine is not None and engine.stays is None and machine.unload_engine != "never"
    )
    must_replace = may_replace and machine.unload_engine == "always"
    if memory.placement is not None:
        return (Spot(memory.placement, is_given=True),)
    if asked != "auto":
        return (Spot(asked, in_engines_place=must_replace and asked != "cpu", is_given=True),)
    has_device = machine.free.vram is not None
    usable: list[Placement] = [spot for spot in memory.placements if spot == "cpu" or has_device]
    beside = [] if must_replace else [Spot(placement) for placement in usable]
    instead = [Spot(placement, in_engines_place=True) for placement in usable if may_replace and placement != "cpu"]
    last = Spot(None) if contender.is_for_scenes else Spot("cpu", is_given=True)
    return (*beside, *instead, last)


def _cost(contenders: Sequence[Contender], spots: Sequence[Spot]) -> tuple[int, ...]:
    each = [_cost_of(contender, spot) for contender, spot in zip(contenders, spots, strict=True)]
    return (sum(each), *each)


def _cost_of(contender: Contender, spot: Spot) -> int:
    if spot.placement is None:
        return 10_000
    placements = contender.memory.placements
    rank = placements.index(spot.placement) if spot.placement in placements else len(placements)
    return rank + 100 if spot.in_engines_place else rank


def _plan(spot: Spot, reason: str) -> MemoryPlan:
    if spot.placement is None:
        return NoRoom(reason)
    if spot.in_engines_place:
        return InsteadOfEngine(spot.placement, reason)
    match spot.placement:
        case "resident":
            return Resident(reason)
        case "offloaded":
            return Offloaded(reason)
        case "cpu":
            return OnCpu(reason)
