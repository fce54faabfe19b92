"""One mapping from keys and mouse to what a player wants."""

from __future__ import annotations

import math

import pytest

from services.world_engine.player_keys import LARGEST_LOOK, LOOK_PER_PIXEL, intent_of, tame
from services.world_engine.world_engine import NO_CONTROL, ControlPayload
from wire_protocol import KEY_CODES


def press(*names: str, dx: float = 0.0, dy: float = 0.0) -> ControlPayload:
    return ControlPayload(frozenset(KEY_CODES[name] for name in names), mouse_dx=dx, mouse_dy=dy)


def test_keys_ask_for_ways_and_turns() -> None:
    intent = intent_of(press("W", "D", "LEFT", "SHIFT", "SPACE", "CTRL"))
    assert (intent.ahead, intent.aside, intent.turn) == (1, 1, -1)
    assert (intent.run, intent.jump, intent.crouch) == (True, True, True)
    assert intent_of(press("UP")) == intent_of(press("W", "UP"))


def test_opposite_keys_cancel_and_others_do_nothing() -> None:
    assert intent_of(press("W", "S", "A", "D", "LEFT", "RIGHT")) == intent_of(NO_CONTROL)
    assert intent_of(press("Q", "MOUSE_LEFT", "SCROLL_UP")) == intent_of(NO_CONTROL)


def test_the_mouse_turns_right_and_down() -> None:
    intent = intent_of(press(dx=10.0, dy=10.0))
    assert (intent.look_right, intent.look_up) == pytest.approx((10 * LOOK_PER_PIXEL, -10 * LOOK_PER_PIXEL))


def test_every_action_does_something() -> None:
    for name in ("W", "A", "S", "D", "UP", "DOWN", "LEFT", "RIGHT", "SHIFT", "CTRL", "SPACE"):
        assert intent_of(press(name)) != intent_of(NO_CONTROL)


def test_mouse_values_are_tamed() -> None:
    assert tame(math.nan) == 0.0
    assert tame(math.inf) == LARGEST_LOOK
    assert tame(-1e9) == -LARGEST_LOOK
    assert tame(12.5) == 12.5
    assert intent_of(press(dx=math.nan, dy=math.nan)) == intent_of(NO_CONTROL)
