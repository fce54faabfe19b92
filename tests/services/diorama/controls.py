"""Short ways to write what a player does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.world_engine.player_keys import LOOK_PER_PIXEL
from services.world_engine.world_engine import ControlPayload
from tests.services.diorama import keys

if TYPE_CHECKING:
    from services.world_engine.diorama.engine import DioramaWorld
    from services.world_engine.world_engine import Frames


def press(*buttons: int, dx: float = 0.0, dy: float = 0.0) -> ControlPayload:
    return ControlPayload(buttons=frozenset(buttons), mouse_dx=dx, mouse_dy=dy)


def hold(world: DioramaWorld, control: ControlPayload, passes: int) -> Frames:
    """The frames of the last of some equal passes."""
    frames = world.step(control)
    for _ in range(passes - 1):
        frames = world.step(control)
    return frames


def turn(world: DioramaWorld, angle: float, passes: int = 30) -> Frames:
    """Turn right by `angle` (rad) with the mouse, and let the last of it arrive."""
    hold(world, press(dx=angle / LOOK_PER_PIXEL / passes), passes)
    return world.step(press())


ADVENTURE = (
    press(keys.W),
    press(keys.W, keys.SHIFT, dx=40.0),
    press(keys.W, keys.A, dx=-15.0, dy=9.0),
    press(keys.SPACE, keys.D),
    press(keys.LEFT),
    press(keys.CTRL, keys.S, dy=-30.0),
    press(),
) * 2
