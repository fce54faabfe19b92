"""Worlds saved through the page: replayed exactly from the command line, opened again, rewound and branched."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.browser.server_process import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Invite, StartServer
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.trial, pytest.mark.browser, pytest.mark.xdist_group("browser")]


def save(visitor: Visitor) -> None:
    visitor.by_id("save-world-button").click()
    visitor.by_id("menu-problem").get_by_text("Saved as").wait_for()


def test_a_world_saved_in_the_page_replays_exactly_and_opens_again(
    start_server: StartServer, invite: Invite, tmp_path: Path
) -> None:
    server = start_server()
    visitor = invite(server.url)
    visitor.enter()
    visitor.walk(60)
    with visitor.holding("d"):
        visitor.wait_for_frames(40)
    visitor.settle()
    visitor.pause()
    visitor.come_to_rest()
    seen = visitor.see()
    save(visitor)
    visitor.by_id("menu-worlds-button").click()
    visitor.by_id("world-card").wait_for()
    with visitor.page.expect_download() as download:
        visitor.by_id("world-download").click()
    path = tmp_path / download.value.suggested_filename
    assert path.suffix == ".world"
    download.value.save_as(path)

    data_dir = tmp_path / "elsewhere"
    command = [sys.executable, "ltx2_server.py", "replay", str(path), "--data-dir", str(data_dir), "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "compared: exact" in done.stdout

    visitor.by_id("worlds-close").click()
    visitor.by_id("leave-button").click()
    visitor.wait_for("gallery")
    visitor.by_id("worlds-button").click()
    visitor.by_id("world-delete").click()
    visitor.by_id("world-delete").get_by_text("Delete for good").click()
    visitor.by_id("worlds-empty").wait_for()
    visitor.by_id("world-file-input").set_input_files(path)
    visitor.wait_for("playing")
    visitor.wait_for_same_view(seen)
    visitor.walk_away(seen)


def test_rewinding_and_branching(start_server: StartServer, invite: Invite) -> None:
    visitor = invite(start_server().url)
    visitor.enter()
    visitor.stand(10)
    first = visitor.see()
    visitor.pause()
    visitor.by_id("moment-button").click()
    visitor.by_id("moment").wait_for()
    visitor.by_id("resume-button").click()
    visitor.walk_away(first)
    visitor.rewind_to(first)
    visitor.walk(60)
    visitor.pause()
    visitor.by_id("moment-branch").click()
    visitor.by_id("menu-problem").get_by_text("Saved as").wait_for()
    visitor.by_id("menu-worlds-button").click()
    visitor.by_id("world-rename").click()
    visitor.by_id("world-new-name").fill("The other way")
    visitor.page.keyboard.press("Enter")
    card = visitor.by_id("world-card")
    card.get_by_text("The other way").wait_for()
    card.click()
    visitor.wait_for("playing")
    visitor.wait_for_same_view(first)
