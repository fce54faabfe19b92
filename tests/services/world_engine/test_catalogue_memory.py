"""What the built-in engines say of the memory that they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime_config.constants import MOSS_DIR
from services.world_engine.diorama.entry import Diorama
from services.world_engine.moss.entry import Moss
from services.world_engine.simulator.entry import Simulator

if TYPE_CHECKING:
    from services.world_engine.engine_card import EngineCard

CARDS = [Diorama.card, Moss(MOSS_DIR, "large").card, Simulator.card]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.model_id)
def test_engines_on_the_cpu_leave_the_device_alone(card: EngineCard) -> None:
    assert (card.placement, card.memory.vram) == ("cpu", 0)
    assert (card.size_bytes or 0) < card.memory.ram < 1 << 30
