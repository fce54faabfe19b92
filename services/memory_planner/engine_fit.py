"""Whether a world engine fits on this machine beside what is there: a pure decision, made before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from services.memory_planner.plan_words import gib

if TYPE_CHECKING:
    from services.memory_planner.situation import FreeMemory

# How far what an engine takes may lie from what was measured or stated, in either direction.
TOLERANCE: Final = 0.15


@dataclass(frozen=True, slots=True)
class EngineNeeds:
    """Bytes that an engine takes once it is loaded. `is_measured`: on this machine; otherwise its card says so."""

    ram: int
    vram: int
    is_measured: bool = False


@dataclass(frozen=True, slots=True)
class MemoryRoom:
    """The memory of this machine, in bytes. None: nobody knows, or there is no device.

    `free` is free now. `yielding_*` is held by what makes room for an engine when it is loaded: idle engines on the
    device and idle models for scenes. `keeper` is the title of an engine on the device that somebody plays on, and that
    therefore stays.
    """

    free: FreeMemory
    total_vram: int | None
    total_ram: int | None
    yielding_vram: int = 0
    yielding_ram: int = 0
    keeper: str | None = None


@dataclass(frozen=True, slots=True)
class Fits:
    """With room to spare."""


@dataclass(frozen=True, slots=True)
class Tight:
    """It may fit. `reason` has the numbers."""

    reason: str


@dataclass(frozen=True, slots=True)
class DoesNotFit:
    """`reason` says what is missing.

    `is_certain`: less the tolerance, it is more than the machine has; or it was measured, and is more than can be had
    now. What a card says may be far too much, and is then no reason to refuse.
    """

    reason: str
    is_certain: bool


@dataclass(frozen=True, slots=True)
class FitUnknown:
    """Nobody knows how much memory there is."""

    reason: str


EngineFit: TypeAlias = Fits | Tight | DoesNotFit | FitUnknown


def fit_of(needs: EngineNeeds, room: MemoryRoom) -> EngineFit:
    """The worse of what the device and what the memory of the machine say."""
    return max(_on_device(needs, room), _in_ram(needs, room), key=badness)


def _on_device(needs: EngineNeeds, room: MemoryRoom) -> EngineFit:
    if room.free.vram is None:
        unknown = FitUnknown(f"It needs {gib(needs.vram)} of GPU memory, and there is no card that tells what it has.")
        return unknown if needs.vram else Fits()
    there = room.free.vram + room.yielding_vram
    fit = _in(_Memory("GPU memory", "The graphics card", there, room.total_vram), needs.vram, needs)
    if isinstance(fit, DoesNotFit) and room.keeper is not None:
        return replace(fit, reason=f"{fit.reason} {room.keeper} stays loaded, as somebody plays on it.")
    return fit


def _in_ram(needs: EngineNeeds, room: MemoryRoom) -> EngineFit:
    """Every machine has memory; where its size is not told, it counts as enough."""
    if room.free.ram is None:
        return Fits()
    return _in(_Memory("memory", "This machine", room.free.ram + room.yielding_ram, room.total_ram), needs.ram, needs)


@dataclass(frozen=True, slots=True)
class _Memory:
    """`name` is what it is called in a sentence, and `owner` what has it. `there` are the bytes that can be had."""

    name: str
    owner: str
    there: int
    total: int | None


def _in(memory: _Memory, needed: int, needs: EngineNeeds) -> EngineFit:
    least = needed * (1 - TOLERANCE)
    if memory.total is not None and least > memory.total:
        reason = f"It needs {gib(needed)} of {memory.name}. {memory.owner} has {gib(memory.total)}."
        return DoesNotFit(reason, is_certain=True)
    reason = f"It needs {gib(needed)} of {memory.name}, and {gib(memory.there)} can be had."
    if needed > memory.there:
        return DoesNotFit(reason, is_certain=needs.is_measured and least > memory.there)
    return Tight(reason) if needed * (1 + TOLERANCE) > memory.there else Fits()


def badness(fit: EngineFit) -> int:
    """The more, the less likely it fits."""
    match fit:
        case Fits():
            return 0
        case Tight():
            return 1
        case FitUnknown():
            return 2
        case DoesNotFit(is_certain=is_certain):
            return 4 if is_certain else 3
