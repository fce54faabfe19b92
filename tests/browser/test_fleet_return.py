"""The page's server is killed, and the page goes on by itself at another one of the fleet, from a copy of its world."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import psutil
import pytest

from tests.postgres import emptied_postgres_url
from tests.trials.fleet_harness import START_S, fleet, passes_copied
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Invite

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(900),
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(sys.platform == "win32", reason="servers share a folder by POSIX locks"),
]
_STOOD: Final = 45  # passes after which the copy, some 2 s of play old, is one of after the walk


def test_the_page_returns_to_a_copy_of_its_world_on_another_server(tmp_path: Path, invite: Invite) -> None:
    copies = tmp_path / "shared" / "copies"
    with fleet(tmp_path, emptied_postgres_url()) as servers:
        visitor = invite(servers.url)
        visitor.enter()
        first = visitor.see()
        visitor.walk_away(first)
        with visitor.holding("h"):
            walked = passes_copied(copies)
            wait_until(lambda: passes_copied(copies) > walked + _STOOD, "a copy is of where the walk ended")
        there = visitor.see()
        dead = servers.played_on(psutil.Process().children(recursive=True))  # Chromium is one of them
        dead.kill()
        wait_until(lambda: not dead.is_running(), "the server is gone")
        visitor.page.wait_for_function("() => terrarium.report().includes('You are back')", timeout=START_S * 1000)
        visitor.wait_for("playing")
        visitor.wait_for_same_view(there)
        visitor.walk(8)
        for words in ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "WebSocket connection to", "503", "500"):
            visitor.excuse(words)
        visitor.page.context.close()
