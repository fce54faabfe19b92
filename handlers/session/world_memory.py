"""How much memory a session has for going back: by the setting, or by what its worlds weigh and the machine has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runtime_config.runtime_config import SessionLimits
    from services.world_engine.world_engine import WorldSpec

_LEAST: Final = 128 << 20  # bytes of both kinds of moments together
_MACHINE_SHARE: Final = 16  # a session has so much of the machine's memory at most, if nothing is set
_MOST_CHECKPOINTS: Final = 10  # three seconds apart, which is as fine as large worlds need it
_LEAST_CHECKPOINTS: Final = 2  # to go back, and further back


@dataclass(frozen=True, slots=True)
class WorldMemory:
    """Bytes for the moments that are kept, for rewinding, and for states at which the world's path could begin."""

    moments: int
    rewind: int
    path: int


def world_memory(limits: SessionLimits, spec: WorldSpec) -> WorldMemory:
    """Where nothing is set: 128 MiB, or ten checkpoints of a large world, as far as a sixteenth of the machine goes.

    Two checkpoints have room in any case. Moments have as much as rewinding, and the path half of that.
    """
    half = _rewind_by_default(limits.machine_bytes, spec.snapshot_bytes)
    if limits.moment_bytes is not None:
        half = limits.moment_bytes // 2
    return WorldMemory(half, half, half // 2)


def _rewind_by_default(machine_bytes: int, snapshot_bytes: int) -> int:
    fits = machine_bytes // _MACHINE_SHARE // 2
    least, most = _LEAST_CHECKPOINTS * snapshot_bytes, _MOST_CHECKPOINTS * snapshot_bytes
    return max(_LEAST // 2, least, min(most, fits))
