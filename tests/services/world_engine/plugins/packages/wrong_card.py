"""A card that says what no card may say, past what its class checks."""

from __future__ import annotations

from typing import Any

from services.world_engine.engine_card import EngineCard, EngineMemory


def card(**wrong: Any) -> EngineCard:
    made = EngineCard(
        model_id="other/wrong",
        title="Wrong",
        description="",
        model_type="fake",
        licence="MIT",
        memory=EngineMemory(ram=0),
        frames_per_pass=1,
        fps=30,
    )
    for name, value in wrong.items():
        object.__setattr__(made, name, value)
    return made


class WrongType:
    card = card(fps="many")


class WrongId:
    card = card(model_id="../../elsewhere")
