"""What the player of a pass asks of the model in its one frame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from engines.diamond import Action, Key
from services.world_engine.diamond.published import FPS
from services.world_engine.player_keys import TURN_SPEED, intent_of
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from services.world_engine.world_engine import ControlPayload

# The recorded games turned by 0.022 degrees a count at a sensitivity of 1, and were played at 2.5.
RADIANS_PER_COUNT: Final = math.radians(0.022 * 2.5)
_WEAPONS: Final[tuple[Key, ...]] = ("1", "2", "3")


def action_of(control: ControlPayload) -> Action:
    """The mouse turns as far as in every other engine, up to the model's bins; opposite keys cancel out.

    Of several weapons the first counts: the model was never shown two at a time.
    """
    intent = intent_of(control)
    turn = intent.look_right + intent.turn * TURN_SPEED / FPS
    walked: dict[Key, bool] = {
        "W": intent.ahead > 0,
        "S": intent.ahead < 0,
        "A": intent.aside < 0,
        "D": intent.aside > 0,
        "SPACE": intent.jump,
        "CTRL": intent.crouch,
        "SHIFT": intent.run,  # in this game it slows the player down
        "R": _held(control, "R"),
    }
    held: list[Key] = [key for key, is_held in walked.items() if is_held]
    weapons: list[Key] = [key for key in _WEAPONS if _held(control, key)]
    return Action(
        keys=frozenset([*held, *weapons[:1]]),
        left_click=_held(control, "MOUSE_LEFT"),
        right_click=_held(control, "MOUSE_RIGHT"),
        mouse_right=turn / RADIANS_PER_COUNT,
        mouse_down=-intent.look_up / RADIANS_PER_COUNT,
    )


def _held(control: ControlPayload, name: str) -> bool:
    return KEY_CODES[name] in control.buttons
