"""What models take of a machine when each of them is put somewhere: bytes, and whether they fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.memory_planner.model_memory import Placement
    from services.memory_planner.situation import Machine, ModelRequirement

# What a process with torch takes, including weights that pass through it on their way to the device.
PROCESS_RAM: Final = 2 << 30


@dataclass(frozen=True, slots=True)
class PlacementOption:
    """One place that one model could have. `placement` is None where the model is refused.

    `in_engines_place`: the world engine is unloaded while the model is there.
    `is_given`: the planner has no choice. The settings name this place, or the model is there already, or it must run.
    """

    placement: Placement | None
    in_engines_place: bool = False
    is_given: bool = False


def standing_vram(requirement: ModelRequirement, option: PlacementOption) -> int:
    """Bytes of the device that the model takes as long as it is loaded, beyond those that it has already."""
    if requirement.is_loaded or option.placement != "resident":
        return 0
    memory = requirement.memory
    return memory.size.total if requirement.is_for_scenes else memory.size.total + memory.work


def working_vram(requirement: ModelRequirement, option: PlacementOption) -> int:
    """Bytes of the device that the model takes on top while a scene is made. Models for scenes work one at a time."""
    memory = requirement.memory
    if not requirement.is_for_scenes:
        return 0
    match option.placement:
        case "resident":
            return memory.work
        case "offloaded":
            return memory.size.largest_part + memory.work
        case "cpu" | None:
            return 0


def ram(requirement: ModelRequirement, option: PlacementOption) -> int:
    if requirement.is_loaded:
        return 0
    weights = requirement.memory.size.total
    match option.placement:
        case "resident":
            return PROCESS_RAM
        case "offloaded":
            return PROCESS_RAM + weights
        case "cpu":
            # The weights of models for scenes have 16 bits, and a processor works with 32.
            return PROCESS_RAM + weights * (2 if requirement.is_for_scenes else 1)
        case None:
            return 0


def kept_vram(machine: Machine, others: Iterable[tuple[ModelRequirement, PlacementOption]]) -> int:
    """Bytes of the device that are free now, but that an engine or `others` are going to take."""
    return machine.promised_vram + sum(standing_vram(*other) for other in others if not other[1].in_engines_place)


def peak_vram(pairs: Iterable[tuple[ModelRequirement, PlacementOption]]) -> int:
    return max((working_vram(*pair) for pair in pairs if not pair[1].in_engines_place), default=0)


def fits(machine: Machine, requirements: Sequence[ModelRequirement], options: Sequence[PlacementOption]) -> bool:
    """Whether the options that the planner chose fit beside those that are given.

    Given options are not checked against each other, as nothing here could change them.
    """
    pairs = list(zip(requirements, options, strict=True))
    return _fits_device(machine, pairs) and _fits_ram(machine, pairs)


def _fits_device(machine: Machine, pairs: Sequence[tuple[ModelRequirement, PlacementOption]]) -> bool:
    free = machine.free.vram or 0
    kept = kept_vram(machine, pairs)
    chosen = [pair for pair in pairs if not pair[1].is_given and pair[1].placement in {"resident", "offloaded"}]
    if any(not option.in_engines_place for _, option in chosen) and kept + peak_vram(pairs) > free:
        return False
    # Those in the engine's place are loaded and unloaded one after the other.
    without_engine = free + (0 if machine.engine is None else machine.engine.vram)
    return all(
        kept + standing_vram(*pair) + working_vram(*pair) <= without_engine
        for pair in chosen
        if pair[1].in_engines_place
    )


def _fits_ram(machine: Machine, pairs: Sequence[tuple[ModelRequirement, PlacementOption]]) -> bool:
    free = machine.free.ram
    if free is None or all(option.is_given or option.placement is None for _, option in pairs):
        return True
    beside = sum(ram(*pair) for pair in pairs if not pair[1].in_engines_place)
    instead = max((ram(*pair) for pair in pairs if pair[1].in_engines_place), default=0)
    return machine.promised_ram + beside + instead <= free
