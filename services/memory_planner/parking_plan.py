"""Whether an engine that leaves the device waits in host memory or is unloaded: a pure decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from services.memory_planner.plan_words import gib

if TYPE_CHECKING:
    from collections.abc import Sequence

# What engines that nobody plays leave of the machine's memory: for files that the system keeps there, and for sessions.
_KEPT_SHARE: Final = 8
_KEPT_LEAST: Final = 2 << 30
# What a process keeps of the card after its engine has left it: the context of CUDA and its kernels. An estimate.
VRAM_LEFT: Final = 512 << 20


@dataclass(frozen=True, slots=True)
class HostMemory:
    """Bytes of the machine. None: nobody knows. `limit` is for all engines that wait there, by the settings; None: as
    much as the machine has to spare."""

    free: int | None
    total: int | None
    limit: int | None


@dataclass(frozen=True, slots=True)
class Leaving:
    """An engine on its way from the device, in bytes.

    `moves` come to host memory with it, and `holds` are what it then has of it altogether.
    `next_ram` is what the engine will take that is loaded in its place.
    """

    moves: int
    holds: int
    next_ram: int = 0


@dataclass(frozen=True, slots=True)
class Park:
    """`give_way` is how many of those that wait already are unloaded for it, the oldest first."""

    give_way: int = 0


@dataclass(frozen=True, slots=True)
class DoNotPark:
    """`reason` is a sentence for the log."""

    reason: str


ParkingPlan: TypeAlias = Park | DoNotPark


def plan_parking(leaving: Leaving, waiting: Sequence[int], memory: HostMemory) -> ParkingPlan:
    """`waiting` is what each engine holds that waits in host memory, the one that was played longest ago first."""
    if memory.limit == 0:
        return DoNotPark("The settings keep no engine ready in memory.")
    if memory.free is None and memory.limit is None:
        return DoNotPark("Nobody knows how much memory is free.")
    for count in range(len(waiting) + 1):
        freed, left = sum(waiting[:count]), sum(waiting[count:])
        if _is_within(memory.limit, left + leaving.holds) and _has_room(memory, leaving, freed):
            return Park(count)
    if not _is_within(memory.limit, leaving.holds):
        return DoNotPark(f"It holds {gib(leaving.holds)}, and the settings allow {gib(memory.limit or 0)}.")
    return DoNotPark(f"It needs {gib(leaving.moves)} more of memory, of which {gib(memory.free or 0)} are free.")


def _is_within(limit: int | None, held: int) -> bool:
    return limit is None or held <= limit


def _has_room(memory: HostMemory, leaving: Leaving, freed: int) -> bool:
    if memory.free is None:
        return True
    kept = max(_KEPT_LEAST, (memory.total or 0) // _KEPT_SHARE)
    return memory.free + freed >= leaving.moves + leaving.next_ram + kept
