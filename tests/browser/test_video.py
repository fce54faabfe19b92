"""Frames as H.264 in a real browser: decoded in a worker, and given up for JPEGs where the decoder fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_ALWAYS_VIDEO = "localStorage.setItem('terrarium.settings', JSON.stringify({ alwaysVideo: true }));"
_CODEC = "() => terrarium.figures.header?.codec ?? 'jpeg'"


def _wants_video(visitor: Visitor) -> None:
    visitor.page.add_init_script(_ALWAYS_VIDEO)
    visitor.page.reload()


def test_frames_come_as_h264_and_the_world_is_walked_in(visitor: Visitor) -> None:
    _wants_video(visitor)
    visitor.enter()
    first = visitor.see()
    with visitor.holding("w"):
        visitor.page.wait_for_function(f"() => ({_CODEC})() === 'h264'")
        visitor.wait_for_frames(20)
        visitor.wait_for_other_view(first)
    assert visitor.see().std() > 10, "The frame is one colour."


@pytest.mark.trial
def test_a_decoder_that_fails_gives_way_to_jpegs_in_the_same_world(visitor: Visitor) -> None:
    visitor.page.route("**/video_worker.js", lambda route: route.abort())
    _wants_video(visitor)
    visitor.enter()
    first = visitor.see()
    with visitor.holding("w"):
        visitor.page.wait_for_function("() => terrarium.report().includes('Frames are asked for as JPEGs')")
        visitor.page.wait_for_function(f"() => ({_CODEC})() === 'jpeg'")
        visitor.wait_for_other_view(first)
    assert visitor.page.evaluate("terrarium.state") == "playing"
