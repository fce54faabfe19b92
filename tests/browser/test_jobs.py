"""Jobs through the page: scenes and films that are followed, cancelled, tried again, removed and looked at."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.browser.accessibility import PHONE
from tests.browser.studio import REASON
from tests.browser.test_recordings import press, said_of
from tests.browser.test_worlds import save
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Request, Response, Route

    from tests.browser.conftest import Invite, StartServer
    from tests.browser.server_process import ServerProcess
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.trial, pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(900)]
needs_models = pytest.mark.skipif(
    importlib.util.find_spec("diffusers") is None, reason="the extra models is not installed"
)

_MADE_MS: Final = deadline_s(300) * 1000  # models are loaded meanwhile, and worlds played again, at a low priority
_DESK: Final = {"width": 1440, "height": 900}
_FEEDBACK: Final = "**/api/feedback/job/*"
_PLAYS: Final = "(video) => video.readyState >= 2 && video.videoWidth > 0 && video.currentTime > 0.1"
_FOCUSED: Final = "document.activeElement?.ariaLabel ?? document.activeElement?.dataset.testid"
_OVERFLOW: Final = """() => [document.documentElement, document.querySelector("dialog[open]")]
  .filter((element) => element.scrollWidth > element.clientWidth).map(({ tagName }) => tagName)"""
_NOTE_NEWS: Final = """(news) => {
  globalThis.heard = [];
  new MutationObserver(() => heard.push(news.textContent)).observe(news, { childList: true });
}"""


def _describe(visitor: Visitor, words: str) -> None:
    visitor.by_id("words-card").click()
    visitor.page.keyboard.type(words)
    visitor.page.keyboard.press("Enter")
    visitor.by_id("authoring").wait_for(state="hidden")


def _open_jobs(visitor: Visitor) -> None:
    visitor.by_id("jobs-button").click()
    visitor.by_id("jobs").wait_for()


def _job(visitor: Visitor, words: str) -> Locator:
    return visitor.by_id("job").filter(has_text=words)


def _wait_for_state(visitor: Visitor, words: str, state: str) -> Locator:
    job = _job(visitor, words).and_(visitor.page.locator(f"[data-state={state}]"))
    job.wait_for(timeout=_MADE_MS)
    return job


def _press(job: Locator, test_id: str) -> None:
    """With the keyboard."""
    job.get_by_test_id(test_id).press("Enter")


def _save_a_world(visitor: Visitor) -> None:
    """And leave it."""
    visitor.enter()
    visitor.walk(20)
    visitor.pause()
    save(visitor)
    visitor.by_id("leave-button").click()
    visitor.wait_for("gallery")


# --------------------------------------------------------------------------------------------------------- scenes


@needs_models
def test_scenes_are_followed_cancelled_and_tried_again(artist: Visitor) -> None:
    _describe(artist, "a lighthouse, in a while")
    _describe(artist, "a desert of glass")
    artist.by_id("jobs-count").get_by_text("2").wait_for()
    assert artist.page.get_by_role("button", name="Jobs, 2 under way").is_visible()
    _open_jobs(artist)
    artist.by_id("jobs-news").evaluate(_NOTE_NEWS)
    _job(artist, "lighthouse").get_by_text("Finding the words").wait_for()
    _job(artist, "desert").get_by_text("Waiting, it is next").wait_for()
    first = artist.by_id("job").first
    assert "desert" in first.inner_text(), "the newest job is not first"

    _press(_job(artist, "desert"), "job-cancel")
    _wait_for_state(artist, "desert", "cancelled")
    assert artist.page.evaluate(_FOCUSED) == "Try again: a desert of glass"
    _press(_job(artist, "lighthouse"), "job-cancel")
    _wait_for_state(artist, "lighthouse", "cancelled")
    artist.by_id("jobs-count").wait_for(state="hidden")
    _press(_job(artist, "desert"), "job-retry")
    desert = _wait_for_state(artist, "desert", "done")
    assert "attempt 2" in desert.inner_text()
    ends = ["Cancelled: a desert of glass", "Cancelled: a lighthouse, in a while", "Done: a desert of glass"]
    assert artist.page.evaluate("heard") == ends, "a screen reader hears more than how jobs end"

    desert.get_by_test_id("job-show").click()
    artist.by_id("jobs").wait_for(state="hidden")
    assert "a desert of glass" in artist.page.evaluate("document.activeElement.textContent")
    _open_jobs(artist)
    desert.get_by_test_id("job-play").click()
    artist.wait_for("playing")
    artist.walk(8)
    artist.pause()
    artist.by_id("menu-jobs-button").click()
    desert.get_by_test_id("job-play").wait_for()
    assert desert.get_by_test_id("job-show").is_hidden(), "there is no gallery to show it in"


@needs_models
def test_a_failure_says_why_and_the_focus_moves_on_from_what_is_removed(artist: Visitor) -> None:
    for words in ("the house of a mouse", "the garden of a mouse"):
        _describe(artist, words)
        artist.by_id("job-text").get_by_text(REASON).first.wait_for()
        artist.by_id("job-dismiss").first.click()
    _open_jobs(artist)
    house = _wait_for_state(artist, "the house", "failed")
    garden = _wait_for_state(artist, "the garden", "failed")
    assert REASON in house.inner_text()
    _press(garden, "job-remove")
    garden.wait_for(state="detached")
    assert artist.page.evaluate(_FOCUSED) == "Try again: the house of a mouse"
    for job in artist.by_id("job").all()[::-1]:
        _press(job, "job-remove")
        job.wait_for(state="detached")
    artist.by_id("jobs-empty").wait_for()
    assert artist.page.evaluate(_FOCUSED) == "jobs-close"


# ---------------------------------------------------------------------------------------------------------- films


def _lose_the_answer(route: Route) -> None:
    """The server gets the request; the page never hears of it."""
    route.fetch()
    route.abort()


def test_a_saved_world_is_filmed_and_watched(start_server: StartServer, invite: Invite) -> None:
    visitor = invite(start_server().url, viewport=_DESK)
    _save_a_world(visitor)
    visitor.by_id("worlds-button").click()
    title = visitor.by_id("world-card").locator("strong").inner_text()
    visitor.page.route("**/api/jobs", _lose_the_answer, times=1)
    visitor.by_id("world-film").click()
    visitor.by_id("worlds-filmed").get_by_text(title).wait_for()
    visitor.by_id("worlds-jobs").click()
    visitor.by_id("worlds").wait_for(state="hidden")
    visitor.excuse("ERR_FAILED")
    film = _wait_for_state(visitor, title, "done")
    assert "exactly what was played" in film.inner_text()
    assert visitor.by_id("job").count() == 1, "asked twice, as the first answer was lost, the server made two films"
    film.get_by_test_id("job-watch").click()
    video = visitor.by_id("film-video").element_handle()
    visitor.page.wait_for_function(_PLAYS, arg=video, timeout=_MADE_MS)
    assert visitor.page.evaluate(_OVERFLOW) == []
    with visitor.page.expect_download() as download:
        visitor.by_id("film-download").click()
    assert download.value.suggested_filename.endswith(".mp4")
    visitor.page.keyboard.press("Escape")
    assert visitor.page.evaluate(_FOCUSED) == f"Watch: {title}"
    visitor.page.set_viewport_size(PHONE)
    assert visitor.page.evaluate(_OVERFLOW) == []
    _press(film, "job-remove")
    assert film.is_visible(), "a film was deleted without a question"
    _press(film, "job-remove")
    film.wait_for(state="detached")


def _hold_first(visitor: Visitor, method: str) -> list[Route]:
    """Where the next request of a method about feedback is put, unanswered."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == method and not held:
            held.append(route)
        else:
            route.fallback()

    visitor.page.route(_FEEDBACK, hold)
    return held


def _wait_until_held(visitor: Visitor, held: list[Route]) -> None:
    wait_until(lambda: visitor.page.evaluate("true") and bool(held), "the request is held")


def _is_feedback(method: str) -> Callable[[Response], bool]:
    return lambda response: response.request.method == method and "/api/feedback/job/" in response.url


def test_what_a_job_has_made_is_rated(start_server: StartServer, invite: Invite) -> None:
    server = start_server()
    visitor = invite(server.url, viewport=_DESK)
    _save_a_world(visitor)
    _open_jobs(visitor)
    _film_by_rest(server)
    film = _wait_for_state(visitor, "", "done")
    asked = _hold_first(visitor, "GET")
    press(film, "feedback-open")
    _wait_until_held(visitor, asked)
    said = _hold_first(visitor, "PUT")
    press(film, "feedback-bad")
    _wait_until_held(visitor, said)
    with visitor.page.expect_response(_is_feedback("GET")):
        asked[0].continue_()
    for _ in range(2):
        press(film, "feedback-open")
    with visitor.page.expect_response(_is_feedback("GET")):  # asked again only when what was said has arrived
        said[0].continue_()
    press(film, "feedback-tag", "Forgets places")
    wait_until(lambda: [each["tags"] for each in said_of(server.url, "job")] == [["broken_memory"]], "it is kept")
    visitor.page.set_viewport_size(PHONE)
    assert visitor.page.evaluate(_OVERFLOW) == []
    visitor.page.reload()
    _open_jobs(visitor)
    press(visitor.by_id("job"), "feedback-open")
    pressed = visitor.page.locator("[data-testid=feedback] [aria-pressed=true]")
    pressed.first.wait_for()
    assert pressed.all_inner_texts() == ["👎 Bad", "Forgets places"]


# ------------------------------------------------------------------------------------------------------- the feed


def _film_by_rest(server: ServerProcess) -> None:
    """As another page does it."""
    with httpx.Client(base_url=server.url) as client:
        world = client.get("/api/worlds").json()["worlds"][0]["id"]
        request: dict[str, Any] = {"kind": "replay_film", "request": {"world_id": world}}
        client.post("/api/jobs", json=request).raise_for_status()


def test_the_page_follows_again_once_the_server_is_back(start_server: StartServer, invite: Invite) -> None:
    server = start_server()
    visitor = invite(server.url)
    _save_a_world(visitor)
    _open_jobs(visitor)
    visitor.by_id("jobs-empty").wait_for()
    _film_by_rest(server)
    job = visitor.by_id("job")
    job.wait_for()
    server.stop()
    visitor.by_id("jobs-notice").get_by_text("keeps trying").wait_for()
    server.start()
    visitor.by_id("jobs-notice").wait_for(state="hidden")
    visitor.excuse("ERR_CONNECTION_REFUSED")
    _film_by_rest(server)
    visitor.page.wait_for_function("() => document.querySelectorAll('[data-testid=job][data-state=done]').length === 2")
    assert job.count() == 2


def test_events_are_followed_only_where_jobs_are_shown(server: ServerProcess, invite: Invite) -> None:
    visitor = invite(server.url)

    def follows(request: Request) -> bool:
        return "/api/events" in request.url

    with visitor.page.expect_request(follows):
        visitor.page.reload()
    with visitor.page.expect_event("requestfailed", follows):
        visitor.enter()
    visitor.pause()
    with visitor.page.expect_request(follows):
        visitor.by_id("menu-jobs-button").click()
    with visitor.page.expect_event("requestfailed", follows):
        visitor.by_id("jobs-close").click()
