"""From keys and mouse to what the model was taught."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch", reason="the extra engines is not installed")

from engines.diamond import IDLE, Key
from engines.diamond.actions import KEYS
from services.world_engine.diamond.controls import action_of
from services.world_engine.player_keys import LOOK_PER_PIXEL
from services.world_engine.world_engine import NO_CONTROL, ControlPayload
from wire_protocol import KEY_CODES

pytestmark = pytest.mark.xdist_group("torch")


def press(*names: str, dx: float = 0.0, dy: float = 0.0) -> ControlPayload:
    return ControlPayload(frozenset(KEY_CODES[name] for name in names), mouse_dx=dx, mouse_dy=dy)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_the_model_can_be_pressed(key: Key) -> None:
    assert action_of(press(key)).keys == {key}


def test_nothing_is_nothing() -> None:
    assert action_of(NO_CONTROL) == IDLE
    assert action_of(press("Q", "MOUSE_MIDDLE", "SCROLL_UP", "TAB", "4")) == IDLE


def test_what_the_model_was_never_shown_together() -> None:
    assert action_of(press("W", "S", "A", "D")) == IDLE
    assert action_of(press("1", "2", "3")).keys == {"1"}
    assert action_of(press("3", "2", "W")).keys == {"2", "W"}


def test_clicks() -> None:
    action = action_of(press("MOUSE_LEFT"))
    assert (action.left_click, action.right_click) == (True, False)
    action = action_of(press("MOUSE_RIGHT"))
    assert (action.left_click, action.right_click) == (False, True)


def test_the_mouse_turns_as_far_as_in_every_other_engine() -> None:
    """A count of the recorded players' mice turned them by 0.055 degrees."""
    action = action_of(press(dx=10.0, dy=-4.0))
    assert math.radians(0.055) * action.mouse_right == pytest.approx(10 * LOOK_PER_PIXEL)
    assert math.radians(0.055) * action.mouse_down == pytest.approx(-4 * LOOK_PER_PIXEL)


def test_arrow_keys_walk_and_turn() -> None:
    assert action_of(press("UP")).keys == {"W"}
    assert action_of(press("RIGHT")).mouse_right == pytest.approx(104.17, abs=0.01)
    assert action_of(press("LEFT")).mouse_right == pytest.approx(-104.17, abs=0.01)


def test_wild_motion_stays_finite() -> None:
    action = action_of(press(dx=math.inf, dy=math.nan))
    assert math.isfinite(action.mouse_right)
    assert action.mouse_down == 0.0
