"""A world that one person plays is watched in a second browser by its link, and the controls change hands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from benchmarks.link_relay import LinkRelay, LinkShape
from tests.browser.accessibility import DESK, PHONE, faults_of
from tests.browser.visitor import Visitor
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

    from tests.browser.conftest import Invite
    from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.trial, pytest.mark.browser, pytest.mark.xdist_group("browser")]


def share(player: Visitor) -> str:
    """The address to watch at, from the menu."""
    player.pause()
    player.by_id("share-button").click()
    link = player.by_id("menu").get_by_test_id("secret-value")
    link.wait_for()
    return link.input_value()


def wait_for_frames(page: Page, count: int) -> None:
    """So many more than the page of the one who watches has drawn by now."""
    goal = int(page.evaluate("watched.frames")) + count
    page.wait_for_function("(goal) => watched.frames >= goal", arg=goal)


def resume(player: Visitor) -> None:
    player.by_id("resume-button").click()
    player.wait_for("playing")


def watch(browser: Browser, address: str, size: ViewportSize) -> tuple[BrowserContext, Page]:
    context = browser.new_context(viewport={"width": size["width"], "height": size["height"]})
    context.set_default_timeout(deadline_s() * 1000)
    page = context.new_page()
    page.goto(address)
    page.wait_for_function("() => watched.frames >= 1")  # of a world at rest there is one, which may be drawn already
    return context, page


@pytest.mark.parametrize("size", [pytest.param(DESK, id="desk"), pytest.param(PHONE, id="phone")])
def test_a_world_is_watched_and_the_controls_change_hands(
    invite: Invite, browser: Browser, server: ServerProcess, size: ViewportSize
) -> None:
    player = invite(server.url)
    player.enter()
    address = share(player)
    assert faults_of(player.page) == []
    context, page = watch(browser, address, size)
    with context:
        expect(page.get_by_test_id("watch-state")).to_have_text("Paused by the player")
        expect(page.get_by_test_id("watch-count")).to_have_text("1 person watches")
        expect(player.by_id("share-state")).to_have_text("1 person watches.")
        assert faults_of(page) == []
        for name in ("canvas", "controls-button", "fullscreen-button"):
            page.keyboard.press("Tab")
            expect(page.get_by_test_id(name)).to_be_focused()
        resume(player)
        player.walk(8)
        wait_for_frames(page, 0)
        expect(page.get_by_test_id("watch-state")).to_have_text("Watching")

        page.get_by_test_id("controls-button").press("Enter")
        player.by_id("world-guest").wait_for()
        assert faults_of(player.page) == []
        player.pause()
        player.by_id("menu-guest-grant").click()
        player.wait_for("playing")
        expect(page.get_by_test_id("watch-state")).to_have_text("You play")
        page.keyboard.down("w")
        wait_for_frames(page, 8)
        player.wait_for_frames(8)
        page.keyboard.up("w")
        player.by_id("world-guest-take").click()
        expect(page.get_by_test_id("watch-state")).to_have_text("Watching")
        player.walk(8)

        player.pause()
        player.by_id("stop-sharing-button").click()
        expect(page.get_by_test_id("watch-over-text")).to_have_text("The player does not share this session any more.")
        assert faults_of(page) == []
        page.get_by_test_id("again-button").click()
        expect(page.get_by_test_id("watch-over-text")).to_have_text("This link opens nothing, or nothing any more.")


def test_who_watches_is_listed_and_sent_away(invite: Invite, browser: Browser, server: ServerProcess) -> None:
    player = invite(server.url)
    player.enter()
    address = share(player)
    context, page = watch(browser, address, PHONE)
    with context:
        guest = player.by_id("guest")
        expect(guest).to_contain_text("Guest 1")
        expect(guest).to_contain_text("Watches")
        assert faults_of(player.page) == []
        away = player.by_id("send-away-button")
        away.click()
        expect(away).to_have_text("Send away for ten minutes")
        away.click()
        expect(page.get_by_test_id("watch-over-text")).to_contain_text("The player has sent you away.")
        expect(guest).to_have_count(0)
        page.get_by_test_id("again-button").click()
        expect(page.get_by_test_id("watch-over-text")).to_contain_text("The player has sent you away.")


# Pages of this machine get JPEGs unless the person wants it otherwise. A busy browser says late what it decodes.
WANTS_VIDEO: Final = """
    localStorage.setItem("terrarium.settings", JSON.stringify({ alwaysVideo: true }));
    const ask = VideoDecoder.isConfigSupported.bind(VideoDecoder);
    VideoDecoder.isConfigSupported = (config) =>
        new Promise((resolve) => setTimeout(() => resolve(ask(config)), 1500));
"""


def test_the_same_walk_is_watched_over_a_link_of_eight_megabits(
    invite: Invite, browser: Browser, server: ServerProcess
) -> None:
    player = invite(server.url)
    player.enter()
    address = urlsplit(share(player))
    resume(player)
    with LinkRelay(address.port or 0, LinkShape(8e6, 0.02, jitter_s=0.004)) as relay, browser.new_context() as context:
        context.set_default_timeout(deadline_s() * 1000)
        context.add_init_script(WANTS_VIDEO)
        page = context.new_page()
        page.goto(address._replace(netloc=f"127.0.0.1:{relay.port}").geturl())
        wait_for_frames(page, 1)
        with player.holding("w"):
            page.wait_for_function("() => watched.codec === 'h264'")
            wait_for_frames(page, 40)
        player.come_to_rest()
        Visitor(page).wait_for_same_view(player.see())
