"""What held keys and mouse pixels ask of the simulator's player."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from services.world_engine.simulator.constants import FRAMES_PER_PASS
from simulator.config import FRAME_S
from simulator.player import Action
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from services.world_engine.world_engine import ControlPayload

ACTIONS: Final = frozenset(
    KEY_CODES[name] for name in ("W", "A", "S", "D", "UP", "DOWN", "LEFT", "RIGHT", "SHIFT", "CTRL", "SPACE")
)
LOOK_PER_PIXEL: Final = 0.0022  # rad
LARGEST_LOOK: Final = 3000.0  # pixels in one pass; a hand does not go faster
TURN_SPEED: Final = 1.5  # rad/s, arrow keys


def action_of(control: ControlPayload) -> Action:
    """The action of each frame of a pass: held keys, and an equal share of the mouse's way."""

    def axis(positive: tuple[str, ...], negative: tuple[str, ...]) -> float:
        return float(held(*positive)) - float(held(*negative))

    def held(*names: str) -> bool:
        return any(KEY_CODES[name] in control.buttons for name in names)

    return Action(
        forward=axis(("W", "UP"), ("S", "DOWN")),
        strafe=axis(("D",), ("A",)),
        run=held("SHIFT"),
        jump=held("SPACE"),
        crouch=held("CTRL"),
        yaw=_look(control.mouse_dx) + axis(("RIGHT",), ("LEFT",)) * TURN_SPEED * FRAME_S,
        pitch=-_look(control.mouse_dy),
    )


def _look(pixels: float) -> float:
    """Radians in one frame of a pass; NaN is nothing, the rest is clamped."""
    if math.isnan(pixels):
        return 0.0
    return max(-LARGEST_LOOK, min(LARGEST_LOOK, pixels)) * LOOK_PER_PIXEL / FRAMES_PER_PASS
