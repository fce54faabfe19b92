"""One mapping from keys and mouse to what a player wants."""

from __future__ import annotations

import math

import pytest

from services.world_engine.player_keys import LARGEST_LOOK, LOOK_PER_PIXEL, tame, wish_of
from services.world_engine.world_engine import NO_CONTROL, ControlPayload
from wire_protocol import KEY_CODES


def press(*names: str, dx: float = 0.0, dy: float = 0.0) -> ControlPayload:
    return ControlPayload(frozenset(KEY_CODES[name] for name in names), mouse_dx=dx, mouse_dy=dy)


def test_keys_ask_for_ways_and_turns() -> None:
    wish = wish_of(press("W", "D", "LEFT", "SHIFT", "SPACE", "CTRL"))
    assert (wish.ahead, wish.aside, wish.turn) == (1, 1, -1)
    assert (wish.run, wish.jump, wish.crouch) == (True, True, True)
    assert wish_of(press("UP")) == wish_of(press("W", "UP"))


def test_opposite_keys_cancel_and_others_do_nothing() -> None:
    assert wish_of(press("W", "S", "A", "D", "LEFT", "RIGHT")) == wish_of(NO_CONTROL)
    assert wish_of(press("Q", "MOUSE_LEFT", "SCROLL_UP")) == wish_of(NO_CONTROL)


def test_the_mouse_turns_right_and_down() -> None:
    wish = wish_of(press(dx=10.0, dy=10.0))
    assert (wish.look_right, wish.look_up) == pytest.approx((10 * LOOK_PER_PIXEL, -10 * LOOK_PER_PIXEL))


def test_every_action_does_something() -> None:
    for name in ("W", "A", "S", "D", "UP", "DOWN", "LEFT", "RIGHT", "SHIFT", "CTRL", "SPACE"):
        assert wish_of(press(name)) != wish_of(NO_CONTROL)


def test_mouse_values_are_tamed() -> None:
    assert tame(math.nan) == 0.0
    assert tame(math.inf) == LARGEST_LOOK
    assert tame(-1e9) == -LARGEST_LOOK
    assert tame(12.5) == 12.5
    assert wish_of(press(dx=math.nan, dy=math.nan)) == wish_of(NO_CONTROL)
