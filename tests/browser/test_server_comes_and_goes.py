"""A full server and one that goes away, as the page tells it and recovers from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.conftest import Invite, StartServer

pytestmark = [pytest.mark.browser, pytest.mark.trial, pytest.mark.xdist_group("browser")]


def test_a_second_tab_waits_until_the_only_place_is_free(invite: Invite, start_server: StartServer) -> None:
    server = start_server(TERRARIUM_MAX_SESSIONS="1")
    first, second = invite(server.url), invite(server.url)
    first.enter()
    second.by_id("seed-card").first.click()
    second.wait_for("lost")
    assert second.by_id("lost-text").inner_text() == second.words("problems.allBusy")
    assert second.page.evaluate("terrarium.lastErrorCode") == "serverBusy"
    first.walk(12)
    first.pause()
    first.by_id("leave-button").click()
    first.wait_for("gallery")
    second.wait_for("playing")
    second.walk(8)


def test_the_page_returns_with_the_server_and_tells_that_the_world_is_closed(
    invite: Invite, start_server: StartServer
) -> None:
    server = start_server()
    visitor = invite(server.url)
    visitor.enter()
    visitor.walk(8)
    server.stop()
    visitor.wait_for("lost")
    lost = visitor.by_id("lost")
    lost.wait_for()
    # A server in a hurry may be gone before a busy page has read its last message.
    cut_off = "The connection to the server was lost. This page keeps trying and returns to your world."
    assert visitor.by_id("lost-text").inner_text() in {visitor.text_of("shuttingDown"), cut_off}
    assert visitor.by_id("lost-retry").inner_text()
    server.start()
    # The world has gone with the server: what follows is for the person to choose.
    visitor.page.wait_for_function("() => terrarium.lastErrorCode === 'resumeTooLate'")
    assert visitor.by_id("lost-text").inner_text() == visitor.text_of("resumeTooLate")
    visitor.by_id("retry-button").click()
    visitor.wait_for("playing")
    lost.wait_for(state="hidden")
    visitor.walk(8)
    visitor.excuse("ERR_CONNECTION_REFUSED")
