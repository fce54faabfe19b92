"""Pictures to start from, and what a player does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.world_engine.world_engine import NO_CONTROL, ControlPayload
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.world_engine.world_engine import Frames, Picture, World, WorldEngine


def press(*names: str, dx: float = 0.0, dy: float = 0.0) -> ControlPayload:
    return ControlPayload(frozenset(KEY_CODES[name] for name in names), mouse_dx=dx, mouse_dy=dy)


# Turns all the way round, so that the memory fills up.
ADVENTURE: Final = (
    press("W"),
    press("W", "SHIFT", dx=150.0, dy=-20.0),
    press("D", "SPACE", dx=320.0),
    press("LEFT", dy=11.5),
    NO_CONTROL,
    press("S", "CTRL", dx=600.0, dy=40.0),
    press("A", "RIGHT", dx=500.0),
) * 3


def seed_of(engine: WorldEngine, number: int = 0) -> Picture:
    """Noise over a sky and ground of the engine's size."""
    picture = np.random.default_rng(number).integers(0, 80, (engine.spec.height, engine.spec.width, 3), dtype=np.uint8)
    picture[: engine.spec.height // 2, :, 2] += 150
    return picture


def play(world: World, controls: Iterable[ControlPayload] = ADVENTURE) -> list[Frames]:
    return [world.step(control) for control in controls]
