"""What models take of a machine when each of them is put somewhere: bytes, and whether they fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.memory_planner.model_memory import Placement
    from services.memory_planner.situation import Contender, Machine

# A process with torch in it, and the weights that pass through it on their way to the device.
PROCESS_RAM: Final = 2 << 30


@dataclass(frozen=True, slots=True)
class Spot:
    """One place for one model; `placement` None: it is refused. `in_engines_place`: while the engine is unloaded.

    `is_given`: nobody chooses, as the settings say so, or it is there already, or it has to run.
    """

    placement: Placement | None
    in_engines_place: bool = False
    is_given: bool = False


def standing_vram(contender: Contender, spot: Spot) -> int:
    """What it takes of the device all the time, beyond what it has already."""
    if contender.is_loaded or spot.placement != "resident":
        return 0
    memory = contender.memory
    return memory.size.total if contender.is_for_scenes else memory.size.total + memory.work


def working_vram(contender: Contender, spot: Spot) -> int:
    """What it takes on top of that while a scene is made; models for scenes do so one at a time."""
    memory = contender.memory
    if not contender.is_for_scenes:
        return 0
    match spot.placement:
        case "resident":
            return memory.work
        case "offloaded":
            return memory.size.largest_part + memory.work
        case "cpu" | None:
            return 0


def ram(contender: Contender, spot: Spot) -> int:
    if contender.is_loaded:
        return 0
    weights = contender.memory.size.total
    match spot.placement:
        case "resident":
            return PROCESS_RAM
        case "offloaded":
            return PROCESS_RAM + weights
        case "cpu":
            # The weights of models for scenes have 16 bits, and a processor works with 32.
            return PROCESS_RAM + weights * (2 if contender.is_for_scenes else 1)
        case None:
            return 0


def kept_vram(machine: Machine, others: Iterable[tuple[Contender, Spot]]) -> int:
    """What is free and not to be had, as engines and `others` will take it."""
    return machine.promised_vram + sum(standing_vram(*other) for other in others if not other[1].in_engines_place)


def peak_vram(pairs: Iterable[tuple[Contender, Spot]]) -> int:
    return max((working_vram(*pair) for pair in pairs if not pair[1].in_engines_place), default=0)


def fits(machine: Machine, contenders: Sequence[Contender], spots: Sequence[Spot]) -> bool:
    """Whether what is chosen here fits beside what is given. What is given has to come to terms with itself."""
    pairs = list(zip(contenders, spots, strict=True))
    return _fits_device(machine, pairs) and _fits_ram(machine, pairs)


def _fits_device(machine: Machine, pairs: Sequence[tuple[Contender, Spot]]) -> bool:
    free = machine.free.vram or 0
    kept = kept_vram(machine, pairs)
    chosen = [pair for pair in pairs if not pair[1].is_given and pair[1].placement in {"resident", "offloaded"}]
    if any(not spot.in_engines_place for _, spot in chosen) and kept + peak_vram(pairs) > free:
        return False
    # Those in the engine's place are loaded and unloaded one after the other.
    without_engine = free + (0 if machine.engine is None else machine.engine.vram)
    return all(
        kept + standing_vram(*pair) + working_vram(*pair) <= without_engine
        for pair in chosen
        if pair[1].in_engines_place
    )


def _fits_ram(machine: Machine, pairs: Sequence[tuple[Contender, Spot]]) -> bool:
    free = machine.free.ram
    if free is None or all(spot.is_given or spot.placement is None for _, spot in pairs):
        return True
    beside = sum(ram(*pair) for pair in pairs if not pair[1].in_engines_place)
    instead = max((ram(*pair) for pair in pairs if pair[1].in_engines_place), default=0)
    return machine.promised_ram + beside + instead <= free
