"""What the page tells of itself: the figures over the picture, the log, the diagnostics."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.browser.conftest import Invite
    from tests.browser.server_process import ServerProcess
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.trial, pytest.mark.xdist_group("browser")]


def _overlay_rows(visitor: Visitor) -> dict[str, str]:
    rows = "rows => rows.map((row) => [row.querySelector('dt').textContent, row.querySelector('dd').textContent])"
    return dict(visitor.by_id("overlay").locator("div").evaluate_all(rows))


def test_the_overlay_shows_frame_rate_and_latency(visitor: Visitor) -> None:
    visitor.enter()
    overlay = visitor.by_id("overlay")
    assert not overlay.is_visible()
    visitor.page.keyboard.press("F3")
    overlay.wait_for()
    with visitor.holding("w"):
        for key in ("a", "d", "a", "d"):
            visitor.page.keyboard.press(key)
            visitor.wait_for_frames(8)
        overlay.locator("dd", has_text="p95").wait_for()
        overlay.locator("dd", has_text=re.compile(r"[1-9]\d* / s")).wait_for()
        rows, figures = _overlay_rows(visitor), visitor.figures()
    drawn = re.fullmatch(r"(\d+) / s", rows["Frames drawn"])
    latency = re.fullmatch(r"(\d+) ms, p95 (\d+) ms", rows["Input to frame"])
    assert drawn
    assert latency
    assert 0 < int(latency[1]) <= int(latency[2])
    assert figures.latency
    assert figures.latency["count"] >= 4
    visitor.page.keyboard.press("F3")
    overlay.wait_for(state="hidden")


def _texts(entries: list[dict[str, Any]]) -> list[str]:
    return [f"{entry['time']} {entry['text']}" for entry in entries]


def test_copied_diagnostics_hold_both_logs_apart(invite: Invite, server: ServerProcess) -> None:
    visitor = invite(server.url, permissions=["clipboard-read", "clipboard-write"])
    visitor.enter()
    visitor.walk(8)
    visitor.pause()
    button = visitor.by_id("diagnostics-button")
    button.click()
    button.filter(has_text="Copied").wait_for()
    report = json.loads(visitor.page.evaluate("navigator.clipboard.readText()"))
    page_log, server_log = _texts(report["pageLog"]), _texts(report["serverLog"])
    assert page_log
    assert server_log
    assert set(page_log).isdisjoint(server_log)
    assert len(set(server_log)) == len(server_log)
    assert report["screen"] == "paused"
    assert report["figures"]["framesDrawn"] >= 8
    assert report["health"]["version"]


def test_without_a_clipboard_the_diagnostics_can_be_selected(visitor: Visitor) -> None:
    visitor.enter()
    visitor.pause()
    visitor.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    visitor.by_id("diagnostics-button").click()
    box = visitor.by_id("diagnostics").locator("textarea")
    box.wait_for()
    assert json.loads(box.input_value())["lastStage"] == "session.ready"


def test_the_log_opens_in_the_menu(visitor: Visitor) -> None:
    visitor.enter()
    visitor.pause()
    visitor.by_id("log-button").click()
    visitor.by_id("log-panel").wait_for()
    visitor.by_id("log-panel").locator("li", has_text="Ready").first.wait_for()
