"""Every view, large and small, light and dark: axe-core finds nothing, nothing is too wide, Tab goes round."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import pytest
from PIL import Image

from tests.browser.accessibility import DESK, PHONE, faults_of, go_round
from tests.browser.test_worlds import save

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

    from tests.browser.conftest import Invite
    from tests.browser.server_process import ServerProcess
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.trial, pytest.mark.browser, pytest.mark.xdist_group("browser")]

# The button that opens a view from the gallery, the view, and something in it that Tab reaches.
_VIEWS: Final = [
    ("recordings-button", "recordings", "recordings-close"),
    ("studio-button", "studio", "studio-close"),
    ("jobs-button", "jobs", "jobs-close"),
    ("models-button", "models", "models-close"),
    ("controls-button", "player-settings", "key-jump"),
    ("server-settings-button", "server-settings", "server-settings-search"),
    ("seed-engines", "engines", "engine-choice"),
    ("words-card", "authoring", "authoring-close"),
]


def _open(visitor: Visitor, button: str, view: str) -> None:
    visitor.by_id(button).first.press("Enter")
    visitor.by_id(view).wait_for()


def _close(visitor: Visitor, view: str) -> None:
    visitor.page.keyboard.press("Escape")
    visitor.by_id(view).wait_for(state="hidden")


def _upright() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (30, 40)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("size", [pytest.param(DESK, id="desk"), pytest.param(PHONE, id="phone")])
def test_everybody_can_use_every_view(invite: Invite, server: ServerProcess, size: ViewportSize) -> None:
    visitor = invite(server.url, viewport=size)
    assert faults_of(visitor.page) == []
    for button, view, inside in _VIEWS:
        _open(visitor, button, view)
        assert (view, faults_of(visitor.page)) == (view, [])
        assert inside in go_round(visitor.page)
        _close(visitor, view)
    picture: Any = {"name": "tall house.png", "mimeType": "image/png", "buffer": _upright()}
    visitor.by_id("file-input").set_input_files(picture)
    visitor.by_id("framing").wait_for()
    assert faults_of(visitor.page) == []
    _close(visitor, "framing")

    visitor.enter()
    visitor.walk(8)
    assert faults_of(visitor.page) == []
    visitor.pause()
    visitor.by_id("moment-button").click()
    visitor.by_id("moment").wait_for()
    save(visitor)
    assert faults_of(visitor.page) == []
    _open(visitor, "menu-doctor-button", "doctor")
    visitor.by_id("doctor-check").first.wait_for()
    assert faults_of(visitor.page) == []
    _close(visitor, "doctor")
    _open(visitor, "menu-worlds-button", "worlds")
    visitor.by_id("world-card").first.wait_for()
    assert faults_of(visitor.page) == []
