"""Converts the controls of a pass to the action of the simulator's player in each of its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.world_engine.player_keys import TURN_SPEED, intent_of
from services.world_engine.simulator._constants import FRAMES_PER_PASS
from simulator.config import FRAME_S
from simulator.player import Action

if TYPE_CHECKING:
    from services.world_engine.world_engine import ControlPayload


def action_of(control: ControlPayload) -> Action:
    """The action of each frame in a pass: the held keys, and an equal share of the mouse motion."""
    intent = intent_of(control)
    return Action(
        forward=float(intent.ahead),
        strafe=float(intent.aside),
        run=intent.run,
        jump=intent.jump,
        crouch=intent.crouch,
        yaw=intent.look_right / FRAMES_PER_PASS + intent.turn * TURN_SPEED * FRAME_S,
        pitch=intent.look_up / FRAMES_PER_PASS,
    )
