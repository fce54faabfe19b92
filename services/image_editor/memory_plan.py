"""Where an image model can live: a pure decision from what it needs and what is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from runtime_config.runtime_config import LocalImages

_GIB: Final = 1 << 30
# What a picture takes on its way through the model, and what other models on the device still want.
_DEVICE_ROOM: Final = 2 * _GIB
_RAM_ROOM: Final = 2 * _GIB


@dataclass(frozen=True, slots=True)
class ModelSize:
    """Bytes of weights: all of them, and those of the largest part that is needed at one time."""

    total: int
    largest_part: int


@dataclass(frozen=True, slots=True)
class FreeMemory:
    """Bytes that are free now. `vram` is None without a device that could be used."""

    vram: int | None
    ram: int | None


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
class NoRoom:
    """It is not loaded. `reason` names the numbers, and what would help."""

    reason: str


MemoryPlan: TypeAlias = Resident | Offloaded | OnCpu | NoRoom


def plan_memory(asked: LocalImages, size: ModelSize, free: FreeMemory) -> MemoryPlan:
    """What was asked for, or with `auto` the fastest that fits; unknown amounts of RAM are taken for enough."""
    match asked:
        case "resident":
            return Resident("The settings say so.")
        case "offloaded":
            return Offloaded("The settings say so.")
        case "cpu":
            return OnCpu("The settings say so.")
        case "off":
            return NoRoom("The settings switch it off.")
        case "auto":
            return _fastest(size, free)


def _fastest(size: ModelSize, free: FreeMemory) -> MemoryPlan:
    resident, offloaded = size.total + _DEVICE_ROOM, size.largest_part + _DEVICE_ROOM
    ram = size.total + _RAM_ROOM
    if free.vram is None:
        return NoRoom(f"The image model needs a GPU with {_gib(offloaded)} free, or an endpoint in the settings.")
    if free.vram >= resident:
        return Resident(f"It needs {_gib(resident)} of GPU memory, and {_gib(free.vram)} are free.")
    if free.vram < offloaded:
        return NoRoom(
            f"The image model needs a GPU with {_gib(offloaded)} free, and {_gib(free.vram)} are. "
            "Close what else uses the GPU, or name an endpoint in the settings."
        )
    if free.ram is not None and free.ram < ram:
        return NoRoom(
            f"The image model needs {_gib(resident)} of GPU memory, or {_gib(ram)} of RAM besides {_gib(offloaded)}; "
            f"{_gib(free.vram)} and {_gib(free.ram)} are free."
        )
    return Offloaded(f"All of it needs {_gib(resident)} of GPU memory, and {_gib(free.vram)} are free.")


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"
