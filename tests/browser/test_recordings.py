"""Recording through the page: it plays in the gallery for as long as it took, and can be named and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.waiting import deadline_s

if TYPE_CHECKING:
    from tests.browser.conftest import Invite, StartServer
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_LENGTH_S = deadline_s(3.0)
_LATE_S = deadline_s(1.0)  # between the last pass and the key that ends the recording
_FRAME_S = 0.1
_PLAYS = """(video) => video.readyState >= 2 && video.videoWidth > 0 && video.currentTime > 0.2"""
_WALL_CLOCK = "performance.now() / 1000"


def read_time(visitor: Visitor) -> float:
    return visitor.page.evaluate(_WALL_CLOCK)


def record(visitor: Visitor) -> tuple[float, float]:
    """Walk for a while with the record button on; how long it was on at least, and at most."""
    page = visitor.page
    pressed = read_time(visitor)
    page.keyboard.press("F9")
    page.wait_for_function("() => document.querySelector('[data-testid=record-time]').textContent.startsWith('0:')")
    began = read_time(visitor)
    with visitor.holding("w"):
        page.wait_for_function("(end) => performance.now() / 1000 >= end", arg=began + _LENGTH_S)
    ended = read_time(visitor)
    page.keyboard.press("F9")
    visitor.by_id("toasts").get_by_text("Recording saved").wait_for()
    visitor.by_id("record-time").wait_for(state="hidden")
    return ended - began, read_time(visitor) - pressed


def test_what_is_recorded_in_the_page_plays_in_its_gallery(start_server: StartServer, invite: Invite) -> None:
    visitor = invite(start_server().url)
    visitor.enter()
    shortest_s, longest_s = record(visitor)
    visitor.pause()
    visitor.by_id("menu-recordings-button").click()
    card = visitor.by_id("recording-card")
    card.wait_for()
    assert card.count() == 1
    assert visitor.page.evaluate(
        "(image) => image.decode().then(() => image.naturalWidth)", card.locator("img").element_handle()
    )
    card.click()
    video = visitor.by_id("recording-video").element_handle()
    visitor.page.wait_for_function(_PLAYS, arg=video)
    duration_s = visitor.page.evaluate("(video) => video.duration", video)
    assert shortest_s - _LATE_S <= duration_s <= longest_s + _FRAME_S
    assert visitor.page.evaluate("(video) => video.seekable.end(0)", video) == pytest.approx(duration_s, abs=0.1)


def test_a_recording_is_downloaded_named_and_deleted(start_server: StartServer, invite: Invite) -> None:
    visitor = invite(start_server().url)
    page = visitor.page
    visitor.enter()
    record(visitor)
    visitor.pause()
    visitor.by_id("leave-button").click()
    visitor.by_id("recordings-button").click()
    visitor.by_id("recording-card").click()
    visitor.by_id("recording-rename").click()
    visitor.by_id("recording-new-name").fill("My walk")
    visitor.by_id("recording-rename-done").click()
    visitor.by_id("recording-title").get_by_text("My walk", exact=True).wait_for()
    with page.expect_download() as download:
        visitor.by_id("recording-download").click()
    assert download.value.suggested_filename == "My walk.mp4"
    download.value.delete()
    visitor.by_id("recording-back").click()
    visitor.by_id("recording-card").get_by_text("My walk").click()
    visitor.by_id("recording-delete").click()
    visitor.by_id("recording-delete").get_by_text("Delete for good").click()
    visitor.by_id("recordings-empty").wait_for()
    assert visitor.by_id("recording-card").count() == 0
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-testid=recordings]", state="hidden")
