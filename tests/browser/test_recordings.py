"""Recording through the page: it plays in the gallery for as long as it took, and can be named and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from services.video_writer._recording_run import WriterLimits
from services.video_writer.ffmpeg_video_writer import FfmpegVideoWriter
from services.video_writer.video_writer import Incomplete
from tests.browser.accessibility import faults_of
from tests.services.video_writer.videos import Ends, plan, play
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator

    from tests.browser.conftest import Invite, StartServer
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.trial, pytest.mark.browser, pytest.mark.xdist_group("browser")]

_LENGTH_S = deadline_s(3.0)
_LATE_S = deadline_s(1.0)  # between the last pass and the key that ends the recording
_FRAME_S = 0.1
_PLAYS = """(video) => video.readyState >= 2 && video.videoWidth > 0 && video.currentTime > 0.2"""
_WIDTH_ONCE_DECODED = """(url) => new Promise((resolve, reject) => {
  const video = document.createElement("video");
  video.onloadeddata = () => resolve(video.videoWidth);
  video.onerror = () => reject(video.error.message);
  video.src = url;
})"""
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
    assert faults_of(visitor.page) == []


def test_what_has_just_happened_is_kept_by_key_and_by_button(start_server: StartServer, invite: Invite) -> None:
    visitor = invite(start_server().url)
    visitor.enter()
    visitor.walk()
    visitor.page.keyboard.press("F8")
    visitor.by_id("toasts").get_by_text("Keeping the last").wait_for()
    visitor.by_id("toasts").get_by_text("Recording saved").wait_for()
    visitor.walk(8)
    visitor.pause()
    button = visitor.by_id("keep-clip-button")
    assert button.locator("kbd").inner_text() == "F8"
    button.press("Enter")
    visitor.by_id("menu-problem").get_by_text("Recording saved").wait_for()
    visitor.by_id("menu-recordings-button").click()
    visitor.by_id("recording-card").nth(1).wait_for()
    assert visitor.by_id("recording-card").count() == 2
    visitor.by_id("recording-card").last.click()
    visitor.page.wait_for_function(_PLAYS, arg=visitor.by_id("recording-video").element_handle())


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


def leave_unfinished(folder: Path) -> Path:
    """A recording whose file cannot be finished, as a folder has its name for the time being; that folder."""
    writer, ends = FfmpegVideoWriter(hardware=(), limits=WriterLimits(free_bytes=lambda _: 0)), Ends()
    recording = writer.start(folder / "walk.mp4", plan(), ends.on_end)
    recording.finish(ended_at=play(recording, 60))
    assert isinstance(ends.wait(), Incomplete)
    writer.close(1.0)
    in_the_way = folder / "walk.mp4.new"
    in_the_way.mkdir()
    return in_the_way


def test_a_recording_that_waits_is_watched_and_finished_by_the_page(
    start_server: StartServer, invite: Invite, tmp_path: Path
) -> None:
    folder = tmp_path / "recordings"
    in_the_way = leave_unfinished(folder)
    url = start_server(TERRARIUM_RECORDINGS_DIR=str(folder)).url
    wait_until(
        lambda: bool(httpx.get(f"{url}/api/recordings").json()["unfinished"]), "the server has tried to finish it"
    )
    visitor = invite(url)
    visitor.by_id("recordings-button").click()
    item = visitor.by_id("unfinished-recording")
    item.get_by_text("Not finished yet, 0:0").wait_for()
    item.get_by_text("The video encoder has failed").wait_for()
    video_url = item.get_by_text("Watch").evaluate("(link) => link.href")
    assert visitor.page.evaluate(_WIDTH_ONCE_DECODED, video_url) > 0
    in_the_way.rmdir()
    item.get_by_text("Finish now").click()
    visitor.by_id("recording-card").get_by_text("walk").wait_for()
    item.wait_for(state="detached")


def press(control: Locator, test_id: str, text: str | None = None) -> None:
    """With the keyboard."""
    button = control.get_by_test_id(test_id)
    (button if text is None else button.filter(has_text=text)).press("Enter")


def said_of(url: str, kind: str) -> list[dict[str, Any]]:
    """What the visitor has said of things of a kind."""
    return httpx.get(f"{url}/api/feedback", params={"kind": kind}).json()["feedback"]


def test_a_recording_is_rated_changed_and_taken_back(start_server: StartServer, invite: Invite) -> None:
    url = start_server().url
    visitor = invite(url)
    visitor.enter()
    record(visitor)
    visitor.pause()
    visitor.by_id("menu-recordings-button").click()
    visitor.by_id("recording-card").press("Enter")
    control = visitor.by_id("feedback").first
    press(control, "feedback-open")
    assert control.get_by_test_id("feedback-tag").first.is_hidden(), "a tag is offered before there is a thumb"
    press(control, "feedback-good")
    press(control, "feedback-tag", "Drifts away")
    press(control, "feedback-tag", "Sharp")
    control.get_by_test_id("feedback-comment").fill("Like a walk.")
    control.get_by_test_id("feedback-comment").press("Tab")
    said = {"rating": 1, "tags": ["drift", "sharp"], "comment": "Like a walk."}
    wait_until(lambda: [said.items() <= each.items() for each in said_of(url, "recording")] == [True], "it is kept")
    visitor.by_id("recording-back").press("Enter")
    visitor.by_id("recording-card").press("Enter")
    assert control.get_by_test_id("feedback-open").inner_text() == "Good, Drifts away, Sharp"
    press(control, "feedback-bad")
    wait_until(lambda: [each["rating"] for each in said_of(url, "recording")] == [-1], "it is changed")
    press(control, "feedback-bad")
    wait_until(lambda: said_of(url, "recording") == [], "it is taken back")
    assert visitor.page.locator("[data-testid=feedback] [aria-pressed=true]").count() == 0
