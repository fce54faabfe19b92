"""A page that is reloaded, or loses its connection, comes back into the same place of the same world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.conftest import Invite, StartServer

pytestmark = [pytest.mark.trial, pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_reload_on_the_way_comes_back_to_the_same_view(invite: Invite, start_server: StartServer) -> None:
    visitor = invite(start_server(TERRARIUM_RESUME_S="3600").url)  # a busy browser may take longer than a minute
    visitor.enter()
    first = visitor.see()
    visitor.walk_away(first)
    visitor.come_to_rest()
    there = visitor.see()
    visitor.page.reload()
    visitor.wait_for("playing")
    visitor.wait_for_same_view(there)
    # A toast may be gone before a busy machine looks; the log keeps it.
    visitor.page.wait_for_function("() => terrarium.report().includes('You are back where you were.')")
    visitor.walk(8)
    visitor.pause()
    visitor.by_id("leave-button").click()
    visitor.wait_for("gallery")
    visitor.enter()
    visitor.wait_for_same_view(first)
