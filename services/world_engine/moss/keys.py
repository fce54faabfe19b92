"""What the player of a pass asks of the walker in its one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.world_engine.player_keys import TURN_SPEED, intent_of
from world_model.config import FRAME_S
from world_model.motion_step import WalkerIntent

if TYPE_CHECKING:
    from services.world_engine.world_engine import ControlPayload


def walker_intent(control: ControlPayload) -> WalkerIntent:
    intent = intent_of(control)
    return WalkerIntent(
        forward=float(intent.ahead),
        strafe=float(intent.aside),
        run=intent.run,
        jump=intent.jump,
        crouch=intent.crouch,
        turn=intent.look_right + intent.turn * TURN_SPEED * FRAME_S,
        look_up=intent.look_up,
    )
