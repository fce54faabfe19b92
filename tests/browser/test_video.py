"""Frames as H.264 in a real browser: decoded in a worker, and given up for JPEGs where the decoder fails."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.trial, pytest.mark.xdist_group("browser")]

_ALWAYS_VIDEO = "localStorage.setItem('terrarium.settings', JSON.stringify({ alwaysVideo: true }));"
# As on a busy machine: the browser says what it decodes only when `answerNow` is called.
_ANSWERS_LATE = """
  const ask = VideoDecoder.isConfigSupported.bind(VideoDecoder);
  const asked = new Promise((resolve) => (globalThis.answerNow = resolve));
  VideoDecoder.isConfigSupported = async (config) => (await asked, ask(config));
"""
# A decoder that plays for a while, and then no more.
_FAILS_IN_PLAY = """
  let decoded = 0;
  const { decode } = VideoDecoder.prototype;
  VideoDecoder.prototype.decode = function (...unit) {
    decoded += 1;
    if (decoded > 24) throw new DOMException("The decoder has no memory.", "QuotaExceededError");
    return decode.apply(this, unit);
  };
"""
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


def test_a_world_that_was_entered_before_the_browser_said_what_it_decodes_gets_h264_then(visitor: Visitor) -> None:
    visitor.page.add_init_script(_ANSWERS_LATE)
    _wants_video(visitor)
    visitor.enter()
    with visitor.holding("w"):
        visitor.wait_for_frames(4)
        assert visitor.page.evaluate(_CODEC) == "jpeg"
        visitor.page.evaluate("answerNow()")
        visitor.page.wait_for_function(f"() => ({_CODEC})() === 'h264'")


def test_a_decoder_that_fails_in_play_gives_way_to_jpegs_and_the_world_goes_on(visitor: Visitor) -> None:
    def fail_later(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text() + _FAILS_IN_PLAY)

    visitor.page.route("**/video_worker.js", fail_later)
    _wants_video(visitor)
    visitor.enter()
    with visitor.holding("w"):
        visitor.page.wait_for_function(f"() => ({_CODEC})() === 'h264'")
        before: dict[str, int] = visitor.page.evaluate("terrarium.figures.header")
        visitor.page.wait_for_function("() => terrarium.report().includes('Frames are asked for as JPEGs')")
        visitor.page.wait_for_function(f"() => ({_CODEC})() === 'jpeg'")
        visitor.wait_for_frames(8)
        after: dict[str, int] = visitor.page.evaluate("terrarium.figures.header")
    assert (before["epoch"], visitor.page.evaluate("terrarium.state")) == (after["epoch"], "playing"), "the same world"
    assert after["frame_id"] > before["frame_id"]


def test_a_decoder_that_was_silent_is_tried_again(visitor: Visitor) -> None:
    """As one is on a machine that is busy for a while."""
    workers = count(1)

    def silence_the_first(route: Route) -> None:
        answer = route.fetch()
        silence = "VideoDecoder.prototype.decode = () => {};" if next(workers) == 1 else ""
        route.fulfill(response=answer, body=answer.text() + silence)

    visitor.page.route("**/video_worker.js", silence_the_first)
    _wants_video(visitor)
    visitor.enter()
    first = visitor.see()
    with visitor.holding("w"):
        visitor.page.wait_for_function("() => terrarium.report().includes('The decoder does not answer.')")
        visitor.page.wait_for_function(f"() => ({_CODEC})() === 'jpeg'")
        visitor.page.wait_for_function("() => terrarium.report().includes('the decoder is tried again')")
        visitor.page.wait_for_function(f"() => ({_CODEC})() === 'h264'")
        visitor.wait_for_frames(8)
        visitor.wait_for_other_view(first)


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
