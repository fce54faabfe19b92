"""What the built-in engines say of the memory that they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime_config.constants import MOSS_DIR
from services.world_engine.diorama.entry import diorama_entry
from services.world_engine.moss.entry import moss_entry
from services.world_engine.simulator.entry import simulator_entry

if TYPE_CHECKING:
    from services.world_engine.catalogue import CatalogueEntry

ENTRIES = [entry for entry in (diorama_entry(), moss_entry(MOSS_DIR, 2), simulator_entry()) if entry is not None]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.model_id)
def test_engines_on_the_cpu_leave_the_device_alone(entry: CatalogueEntry) -> None:
    assert (entry.placement, entry.memory.vram) == ("cpu", 0)
    assert (entry.size_bytes or 0) < entry.memory.ram < 1 << 30
