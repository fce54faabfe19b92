"""Maps held keys and mouse motion to a walking player's intent, in the same way for every engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from services.world_engine.world_engine import ControlPayload

LOOK_PER_PIXEL: Final = 0.0022  # rad
LARGEST_LOOK: Final = 3000.0  # pixels in one pass; no hand moves a mouse faster
TURN_SPEED: Final = 1.5  # rad/s, arrow keys


@dataclass(frozen=True, slots=True)
class PlayerIntent:
    """What the player wants to do in one pass. `ahead`, `aside` and `turn` are -1, 0 or 1; right is positive.

    `look_right` and `look_up` are the mouse motion in radians, summed over the pass. They are finite.
    """

    ahead: int
    aside: int
    turn: int
    run: bool
    jump: bool
    crouch: bool
    look_right: float
    look_up: float


def intent_of(control: ControlPayload) -> PlayerIntent:
    """The intent behind `control`. Opposite keys cancel out, and keys without a meaning are ignored."""

    def axis(positive: tuple[str, ...], negative: tuple[str, ...]) -> int:
        return held(*positive) - held(*negative)

    def held(*names: str) -> bool:
        return any(KEY_CODES[name] in control.buttons for name in names)

    return PlayerIntent(
        ahead=axis(("W", "UP"), ("S", "DOWN")),
        aside=axis(("D",), ("A",)),
        turn=axis(("RIGHT",), ("LEFT",)),
        run=held("SHIFT"),
        jump=held("SPACE"),
        crouch=held("CTRL"),
        look_right=tame(control.mouse_dx) * LOOK_PER_PIXEL,
        look_up=-tame(control.mouse_dy) * LOOK_PER_PIXEL,
    )


def tame(pixels: float) -> float:
    """Make a mouse delta safe to add up: NaN becomes 0, and large values are clamped."""
    if math.isnan(pixels):
        return 0.0
    return max(-LARGEST_LOOK, min(LARGEST_LOOK, pixels))
