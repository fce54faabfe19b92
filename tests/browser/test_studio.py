"""The Studio: films are made, cancelled, retaken, extended and walked into, with a tiny model on the processor."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.browser.accessibility import DESK, PHONE, faults_of, go_round
from tests.browser.conftest import show_log_of
from tests.browser.server_process import ROOT, ServerProcess
from tests.browser.test_recordings import record
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Browser, Locator

    from tests.browser.conftest import Invite
    from tests.browser.tiny_models import TinyModels
    from tests.browser.visitor import Visitor

pytestmark = [
    pytest.mark.trial,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(900),
]
needs_diffusers = pytest.mark.skipif(
    importlib.util.find_spec("diffusers") is None, reason="the extra models is not installed"
)

_MADE_MS: Final = deadline_s(180) * 1000  # a model is loaded, at the lowest priority
_FILM: Final = "[data-testid=studio-film]"
_IS_LOADED: Final = "(video) => video.readyState >= 1 && !video.seeking"
_SEEK: Final = "(video) => { video.pause(); video.currentTime = 0.4; }"


@pytest.fixture(name="film_server", scope="module")
def fixture_film_server(
    browser: Browser, models: TinyModels, tmp_path_factory: pytest.TempPathFactory
) -> Generator[ServerProcess]:
    del browser  # without one the server is not needed
    model = tmp_path_factory.mktemp("ltx")
    command = [sys.executable, "-W", "ignore", "-m", "tests.services.video_pipeline.tiny_ltx", str(model)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=offline)
    environment = {
        "TERRARIUM_LOCAL_FILMS": "cpu",
        "TERRARIUM_LOCAL_FILMS_FOLDER": str(model),
        "HF_HUB_CACHE": str(models.lenient),
    }
    server = ServerProcess(tmp_path_factory.mktemp("films"), environment)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(name="filmer")
def fixture_filmer(request: pytest.FixtureRequest, film_server: ServerProcess, invite: Invite) -> Visitor:
    """In the gallery of a server that makes films."""
    show_log_of(film_server, request)
    return invite(film_server.url, viewport=DESK)


def _open(visitor: Visitor) -> None:
    visitor.by_id("studio-button").press("Enter")
    visitor.by_id("studio-form").wait_for()


def _make_small(visitor: Visitor, words: str) -> None:
    """So small and short that it is made at once."""
    visitor.by_id("studio-prompt").fill(words)
    visitor.by_id("studio-size").select_option("own")
    visitor.by_id("studio-width").fill("128")
    visitor.by_id("studio-height").fill("64")
    visitor.by_id("studio-seconds").fill("1")
    visitor.by_id("studio-submit").press("Enter")


def _film(visitor: Visitor, words: str) -> Locator:
    """In the gallery of films, once it is made."""
    card = visitor.page.locator(_FILM).filter(has_text=words)
    card.first.wait_for(timeout=_MADE_MS)
    return card.first


def _watch(visitor: Visitor, words: str) -> None:
    _film(visitor, words).press("Enter")
    visitor.page.wait_for_function(_IS_LOADED, arg=visitor.by_id("studio-video").element_handle())


def _films(server: ServerProcess) -> list[dict[str, Any]]:
    return httpx.get(f"{server.url}/api/video/films").json()["films"]


def _known(server: ServerProcess, words: str) -> dict[str, Any]:
    """What the server tells of a film."""
    return next(film for film in _films(server) if film["prompt"] == words)


def _row(visitor: Visitor, words: str, state: str) -> Locator:
    row = visitor.by_id("studio-row").filter(has_text=words)
    return row.and_(visitor.page.locator(f"[data-state={state}]"))


def _look_over(visitor: Visitor) -> None:
    """On a phone and at a desk."""
    for size in (PHONE, DESK):
        visitor.page.set_viewport_size(size)
        assert faults_of(visitor.page) == []


@needs_diffusers
def test_a_film_is_made_retaken_extended_and_walked_into(filmer: Visitor, film_server: ServerProcess) -> None:
    page = filmer.page
    _open(filmer)
    filmer.by_id("studio-submit").press("Enter")
    filmer.by_id("studio-fault").get_by_text("Say in words").wait_for()
    _make_small(filmer, "A lake at dawn")
    _watch(filmer, "A lake at dawn")
    _look_over(filmer)

    # The first third is marked by dragging, and its end is moved by a key.
    strip = filmer.by_id("time-line").last.bounding_box()
    assert strip is not None
    middle = strip["y"] + strip["height"] / 2
    page.mouse.move(strip["x"] + strip["width"] * 0.1, middle)
    page.mouse.down()
    page.mouse.move(strip["x"] + strip["width"] * 0.2, middle)
    page.mouse.move(strip["x"] + strip["width"] * 0.5, middle)
    page.mouse.up()
    filmer.by_id("studio-retake").press("Enter")
    filmer.by_id("time-line-end").first.press("ArrowRight")
    filmer.by_id("studio-prompt").fill("A boat comes")
    filmer.by_id("studio-submit").press("Enter")
    _film(filmer, "A boat comes")
    retaken = _known(film_server, "A boat comes")
    way = retaken["request"]["way"]
    source = _known(film_server, "A lake at dawn")["id"]
    assert (way["kind"], way["source"]["film"], way["what"]) == ("retake", source, "both")
    assert (way["start_s"], way["end_s"]) == (pytest.approx(0.1, abs=0.051), pytest.approx(0.57, abs=0.051))

    _watch(filmer, "A boat comes")
    filmer.by_id("studio-extend-start").press("Enter")
    filmer.by_id("studio-prompt").fill("Before that it rained")
    filmer.by_id("studio-added").fill("0.3")
    filmer.by_id("studio-submit").press("Enter")
    _watch(filmer, "Before that it rained")
    extended = _known(film_server, "Before that it rained")
    assert extended["request"]["way"]["side"] == "start"
    assert extended["seconds"] > retaken["seconds"] + 0.25

    filmer.by_id("studio-video").evaluate(_SEEK)
    page.wait_for_function(_IS_LOADED, arg=filmer.by_id("studio-video").element_handle())
    filmer.by_id("studio-walk").press("Enter")
    filmer.wait_for("playing")
    filmer.walk(8)
    filmer.pause()
    assert page.locator("#menu-title").inner_text() == "Before that it rained"


@needs_diffusers
def test_a_film_is_cancelled_and_tried_again(filmer: Visitor) -> None:
    _open(filmer)
    filmer.by_id("studio-size").select_option("540p")
    filmer.by_id("studio-seconds").fill("10")  # a minute of work, even for a tiny model
    filmer.by_id("studio-prompt").fill("A very long night")
    filmer.by_id("studio-submit").press("Enter")
    running = _row(filmer, "A very long night", "running")
    running.get_by_test_id("studio-percent").get_by_text("of 8").wait_for(timeout=_MADE_MS)
    running.locator("img[src]").wait_for(state="attached", timeout=_MADE_MS)
    filmer.by_id("studio-cancel").press("Enter")
    _row(filmer, "A very long night", "cancelled").wait_for(timeout=_MADE_MS)
    _look_over(filmer)
    assert {"studio-way", "studio-prompt", "studio-submit", "studio-retry", "studio-recordings"} <= set(
        go_round(filmer.page)
    )
    filmer.by_id("studio-retry").press("Enter")
    _row(filmer, "A very long night", "running").wait_for(timeout=_MADE_MS)
    filmer.by_id("studio-cancel").press("Enter")
    _row(filmer, "A very long night", "cancelled").wait_for(timeout=_MADE_MS)
    filmer.by_id("studio-row-reuse").press("Enter")
    assert filmer.by_id("studio-prompt").input_value() == "A very long night"
    assert filmer.by_id("studio-size").input_value() == "540p"
    assert filmer.by_id("studio-lock").is_checked(), "its seed was lost"
    filmer.by_id("studio-remove").press("Enter")
    filmer.by_id("studio-row").wait_for(state="detached")


@needs_diffusers
def test_films_are_compared_joined_and_made_again(filmer: Visitor, film_server: ServerProcess) -> None:
    _open(filmer)
    _make_small(filmer, "One hill")
    _film(filmer, "One hill")
    filmer.by_id("studio-prompt").fill("Another hill")
    filmer.by_id("studio-submit").press("Enter")
    _watch(filmer, "Another hill")
    one = _known(film_server, "One hill")
    filmer.by_id("studio-compare").select_option(one["id"])
    filmer.by_id("studio-differences").get_by_text("Words: Another hill against One hill").wait_for()
    filmer.page.wait_for_function(
        "(video) => video.readyState >= 1 && video.videoWidth === 128",
        arg=filmer.by_id("studio-other-video").element_handle(),
    )
    filmer.by_id("studio-join").press("Enter")
    filmer.by_id("studio-after").select_option(f"film:{one['id']}")
    filmer.by_id("studio-prompt").fill("From hill to hill")
    filmer.by_id("studio-added").fill("0.3")
    filmer.by_id("studio-submit").press("Enter")
    _watch(filmer, "From hill to hill")
    filmer.by_id("studio-back").press("Enter")
    _watch(filmer, "One hill")
    filmer.by_id("studio-again").press("Enter")
    filmer.page.locator(_FILM).filter(has_text="One hill").nth(1).wait_for(timeout=_MADE_MS)
    alike = [film for film in _films(film_server) if film["prompt"] == "One hill"]
    assert alike[0]["digest"] == alike[1]["digest"]
    _watch(filmer, "One hill")
    filmer.by_id("studio-delete").press("Enter")
    assert filmer.by_id("studio-player").is_visible(), "it was deleted by one press"
    filmer.by_id("studio-delete").press("Enter")
    filmer.by_id("studio-player").wait_for(state="hidden")
    assert filmer.page.locator(_FILM).filter(has_text="One hill").count() == 1


@needs_diffusers
def test_a_world_is_filmed_and_a_walk_retaken(filmer: Visitor, film_server: ServerProcess) -> None:
    filmer.enter()
    record(filmer)
    filmer.pause()
    filmer.by_id("film-this-button").press("Enter")
    filmer.by_id("studio-picture").wait_for()
    assert filmer.by_id("studio-way").input_value() == "pictures"
    _look_over(filmer)
    _make_small(filmer, "Fog comes up")
    _film(filmer, "Fog comes up")
    pictures = _known(film_server, "Fog comes up")["request"]["way"]["pictures"]
    assert [picture["at"] for picture in pictures] == ["first"]
    filmer.by_id("studio-close").press("Enter")
    filmer.by_id("menu-recordings-button").press("Enter")
    filmer.by_id("recording-card").first.press("Enter")
    filmer.by_id("recording-retake").press("Enter")
    source = filmer.by_id("studio-source")
    source.wait_for()
    filmer.page.wait_for_function("(select) => select.value.startsWith('recording:')", arg=source.element_handle())
    assert filmer.by_id("studio-way").input_value() == "control"
    filmer.by_id("studio-prompt").fill("The same walk by night")
    filmer.by_id("studio-submit").press("Enter")
    # The tiny model has nothing that follows edges, and the specs say so.
    filmer.by_id("studio-fault").get_by_text("in-context LoRA").wait_for()
    filmer.by_id("studio-close").press("Enter")
    filmer.by_id("menu-recordings-button").press("Enter")
    filmer.by_id("recording-card").first.press("Enter")
    filmer.by_id("recording-walk").press("Enter")
    filmer.wait_for("playing")


def test_without_a_model_the_way_to_one_is_shown(visitor: Visitor) -> None:
    visitor.by_id("studio-button").press("Enter")
    visitor.by_id("studio-why-not").wait_for()
    assert visitor.by_id("studio-form").is_hidden()
    visitor.by_id("studio-models").press("Enter")
    visitor.by_id("model").first.wait_for()
