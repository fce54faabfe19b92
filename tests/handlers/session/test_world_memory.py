"""The memory of a session for going back, by the setting, the weight of its worlds and the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handlers.session.world_memory import world_memory
from runtime_config.runtime_config import SessionLimits
from services.world_engine.world_engine import WorldSpec

MIB, GIB = 1 << 20, 1 << 30
SPEC = WorldSpec("fake/world", "Fake", 8, 8, 1, 30, "f00d")


@pytest.mark.parametrize(
    ("snapshot", "machine", "rewind"),
    [
        (0, 128 * GIB, 64 * MIB),
        (MIB, 128 * GIB, 64 * MIB),
        (200 * MIB, 128 * GIB, 2000 * MIB),  # ten of them
        (800 * MIB, 128 * GIB, 4 * GIB),  # a sixteenth of the machine, half of it for rewinding
        (800 * MIB, 16 * GIB, 1600 * MIB),  # two of them, whatever the machine has
    ],
)
def test_without_a_setting_the_half_minute_is_covered_by_as_many_checkpoints_as_the_machine_can_hold(
    snapshot: int, machine: int, rewind: int
) -> None:
    memory = world_memory(SessionLimits(machine_bytes=machine), replace(SPEC, snapshot_bytes=snapshot))
    assert (memory.rewind, memory.moments, memory.path) == (rewind, rewind, rewind // 2)


def test_the_setting_is_kept_to() -> None:
    memory = world_memory(SessionLimits(moment_bytes=300 * MIB), replace(SPEC, snapshot_bytes=800 * MIB))
    assert (memory.rewind, memory.moments, memory.path) == (150 * MIB, 150 * MIB, 75 * MIB)


def test_a_machine_says_how_much_memory_it_has() -> None:
    assert SessionLimits().machine_bytes > GIB // 2
