"""Every view, large and small, light and dark: axe-core finds nothing, nothing is too wide, Tab goes round."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
from PIL import Image

from tests.browser.accessibility import DESK, LANDSCAPE, PHONE, faults_of, go_round
from tests.browser.test_worlds import save

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import ViewportSize

    from tests.browser.conftest import Invite, StartServer
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


def _send(visitor: Visitor, name: str, size: tuple[int, int], colour: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    picture: Any = {"name": f"{name}.png", "mimeType": "image/png", "buffer": file.getvalue()}
    visitor.by_id("file-input").set_input_files(picture)


def _light(colour: Sequence[float]) -> float:
    """Relative luminance, as WCAG 2 defines it, of red, green and blue from 0 to 255."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (c / 255 for c in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("size", [pytest.param(DESK, id="desk"), pytest.param(PHONE, id="phone")])
def test_everybody_can_use_every_view(invite: Invite, server: ServerProcess, size: ViewportSize) -> None:
    visitor = invite(server.url, viewport=size)
    assert faults_of(visitor.page) == []
    for button, view, inside in _VIEWS:
        _open(visitor, button, view)
        assert (view, faults_of(visitor.page)) == (view, [])
        assert inside in go_round(visitor.page)
        _close(visitor, view)
    _send(visitor, "tall house", (30, 40), "black")
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


@pytest.mark.parametrize("size", [DESK, PHONE, LANDSCAPE], ids=["desk", "phone", "landscape"])
def test_the_words_on_a_white_picture_can_be_read(invite: Invite, server: ServerProcess, size: ViewportSize) -> None:
    """axe-core does not look at the colours of words on pictures."""
    visitor = invite(server.url, viewport=size)
    name = f"A white wall on a bright day in the year {size['width']}"
    _send(visitor, name, (64, 36), "white")
    title = visitor.by_id("seed-card").filter(has_text=name).locator("strong")
    title.wait_for()
    assert faults_of(visitor.page) == []
    title.scroll_into_view_if_needed()
    words: list[float] = title.evaluate("(title) => getComputedStyle(title).color.match(/[0-9.]+/g).map(Number)")
    title.evaluate("(title) => (title.style.visibility = 'hidden')")
    box: Any = title.bounding_box()
    with Image.open(io.BytesIO(visitor.page.screenshot(clip=box, animations="disabled"))) as shot:
        lightest: list[float] = np.asarray(shot.convert("RGB"), dtype=np.float64).max(axis=(0, 1)).tolist()
    assert (_light(words) + 0.05) / (_light(lightest) + 0.05) >= 4.5
    delete = visitor.page.locator("li.seed-card").filter(has_text=name).get_by_test_id("seed-delete")
    delete.click()
    assert faults_of(visitor.page) == []
    delete.click()


@pytest.mark.parametrize("size", [pytest.param(DESK, id="desk"), pytest.param(PHONE, id="phone")])
def test_the_curtain_before_a_world_keeps_to_it(invite: Invite, server: ServerProcess, size: ViewportSize) -> None:
    visitor = invite(server.url, viewport=size)
    visitor.page.route_web_socket("**/ws?*", lambda _: None)  # a server that has nothing to say yet
    visitor.page.reload()
    visitor.by_id("seed-card").first.press("Enter")
    visitor.wait_for("loading")
    visitor.by_id("loading").wait_for()
    assert faults_of(visitor.page) == []
    visitor.page.keyboard.press("Escape")
    visitor.wait_for("gallery")


def test_a_lost_world_keeps_to_it_too(invite: Invite, start_server: StartServer) -> None:
    server = start_server()
    visitor = invite(server.url)
    visitor.enter()
    server.stop()
    visitor.wait_for("lost")
    assert faults_of(visitor.page) == []
    visitor.page.goto("about:blank")
    visitor.excuse("ERR_CONNECTION_REFUSED")
