"""Playing in a real browser: enter a picture, walk, stand still, pause, resume, start over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.visitor import SAME_VIEW, difference

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.trial, pytest.mark.xdist_group("browser")]


def test_a_picture_of_the_gallery_becomes_a_world_to_walk_in(visitor: Visitor) -> None:
    assert visitor.by_id("seed-card").count() >= 4
    visitor.enter()
    first = visitor.see()
    assert first.std() > 10, "The first frame is one colour."
    visitor.walk_away(first)


def test_a_player_who_stands_still_sees_a_still_picture(visitor: Visitor) -> None:
    visitor.enter()
    with visitor.holding("ArrowLeft"):
        visitor.wait_for_frames(8)
    visitor.stand()
    standing = visitor.see()
    visitor.stand(20)
    assert difference(standing, visitor.see()) < SAME_VIEW


def test_the_mouse_looks_around(visitor: Visitor) -> None:
    visitor.enter()
    ahead = visitor.see()
    mouse = visitor.page.mouse
    mouse.move(400, 300)
    mouse.down()
    mouse.move(600, 300, steps=6)
    mouse.up()
    visitor.wait_for_other_view(ahead)


def test_a_paused_world_waits(visitor: Visitor) -> None:
    visitor.enter()
    with visitor.holding("w"):
        visitor.wait_for_frames(8)
        visitor.pause()
        visitor.by_id("menu").wait_for()
        drawn = visitor.come_to_rest()
        assert visitor.come_to_rest() == drawn
    visitor.page.keyboard.press("Escape")
    visitor.wait_for("playing")
    visitor.by_id("menu").wait_for(state="hidden")
    visitor.walk(8)


@pytest.mark.parametrize("way", ["key", "menu"])
def test_starting_over_brings_the_first_view_back(visitor: Visitor, way: str) -> None:
    visitor.enter()
    first = visitor.see()
    visitor.walk_away(first)
    if way == "key":
        visitor.page.keyboard.press("u")
    else:
        visitor.pause()
        visitor.by_id("reset-button").click()
    visitor.wait_for_same_view(first)
    visitor.wait_for("playing")


def test_a_kept_moment_can_be_returned_to(visitor: Visitor) -> None:
    visitor.enter()
    with visitor.holding("ArrowLeft"):
        visitor.wait_for_frames(8)
    visitor.stand()
    kept = visitor.see()
    visitor.pause()
    visitor.by_id("moment-button").click()
    visitor.by_id("moment").wait_for()
    visitor.by_id("resume-button").click()
    visitor.wait_for("playing")
    with visitor.holding("ArrowRight"):
        visitor.wait_for_other_view(kept)
    visitor.pause()
    visitor.by_id("moment").click()
    visitor.wait_for("playing")
    visitor.wait_for_same_view(kept)
