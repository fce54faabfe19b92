"""What a pass asks of a walker in its one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.world_engine.player_keys import TURN_SPEED, wish_of
from world_model.config import FRAME_S
from world_model.motion_step import Wish

if TYPE_CHECKING:
    from services.world_engine.world_engine import ControlPayload


def walker_wish(control: ControlPayload) -> Wish:
    wish = wish_of(control)
    return Wish(
        forward=float(wish.ahead),
        strafe=float(wish.aside),
        run=wish.run,
        jump=wish.jump,
        crouch=wish.crouch,
        turn=wish.look_right + wish.turn * TURN_SPEED * FRAME_S,
        look_up=wish.look_up,
    )
