"""Light and dark, the sound of steps, and what fingers can do besides walking and looking."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.browser.accessibility import PHONE
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocket

    from tests.browser.conftest import Invite
    from tests.browser.server_process import ServerProcess
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.trial, pytest.mark.browser, pytest.mark.xdist_group("browser")]

_GROUND: Final = "getComputedStyle(document.body).backgroundColor"
_BAR: Final = "document.querySelector('meta[name=theme-color]').content"
_DARK: Final = "rgb(11, 15, 14)"
_LIGHT: Final = "rgb(243, 246, 244)"
_COUNT_SOUNDS: Final = """
  globalThis.sounds = 0;
  const { start } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (...when) { sounds += 1; return start.apply(this, when); };
"""


def _colours(page: Page) -> tuple[str, str]:
    """Of the page's ground, and of the browser's own bars."""
    return page.evaluate(_GROUND), page.evaluate(_BAR)


def _choose(visitor: Visitor, theme: str) -> None:
    visitor.by_id("controls-button").press("Enter")
    visitor.by_id("theme").select_option(theme)
    visitor.page.keyboard.press("Escape")
    visitor.by_id("player-settings").wait_for(state="hidden")


def test_the_page_is_light_or_dark_as_the_system_and_the_person_want_it(invite: Invite, server: ServerProcess) -> None:
    visitor = invite(server.url, color_scheme="dark")
    assert _colours(visitor.page) == (_DARK, _DARK)
    visitor.page.emulate_media(color_scheme="light")
    wait_until(lambda: _colours(visitor.page) == (_LIGHT, _LIGHT), "the page follows the system")
    _choose(visitor, "dark")
    assert _colours(visitor.page) == (_DARK, _DARK)
    visitor.page.reload()
    visitor.by_id("seed-card").first.wait_for()
    assert _colours(visitor.page) == (_DARK, _DARK), "this browser keeps it"
    caption = visitor.by_id("seed-card").first.locator(".seed-caption")
    over_picture = "(caption) => getComputedStyle(caption).color"
    dark = caption.evaluate(over_picture)
    _choose(visitor, "auto")
    assert _colours(visitor.page) == (_LIGHT, _LIGHT)
    assert caption.evaluate(over_picture) == dark, "on pictures, words are light in both"


def test_every_text_of_the_page_is_there(visitor: Visitor) -> None:
    assert visitor.page.evaluate("document.documentElement.lang") == "en"
    texts: list[str] = visitor.page.locator("[data-text]").all_text_contents()
    assert len(texts) > 100
    assert "" not in texts


def test_steps_are_heard_by_who_wants_to_hear_them(invite: Invite, server: ServerProcess) -> None:
    visitor = invite(server.url)
    visitor.page.add_init_script(_COUNT_SOUNDS)
    visitor.page.reload()
    visitor.enter()
    visitor.walk()
    assert visitor.page.evaluate("sounds") == 0, "at first nothing is heard"
    visitor.pause()
    visitor.by_id("player-settings-button").click()
    visitor.by_id("step-sounds").check()
    visitor.page.keyboard.press("Escape")
    visitor.by_id("resume-button").click()
    visitor.wait_for("playing")
    with visitor.holding("w"):
        visitor.page.wait_for_function("() => sounds >= 4")
    visitor.come_to_rest()
    heard = visitor.page.evaluate("sounds")
    visitor.stand()
    assert visitor.page.evaluate("sounds") == heard, "who stands makes no step"


class _Sent:
    """The buttons of the newest control that the page has sent."""

    def __init__(self, page: Page) -> None:
        self.buttons: list[str] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._note)

    def _note(self, payload: str | bytes) -> None:
        message = json.loads(payload)
        if message["type"] == "control":
            self.buttons = message["buttons"]


def test_fingers_sprint_and_crouch(invite: Invite, server: ServerProcess) -> None:
    visitor = invite(server.url, viewport=PHONE, has_touch=True, is_mobile=True)
    sent = _Sent(visitor.page)

    def wait_for(*buttons: str) -> None:
        def are_sent() -> bool:
            visitor.page.evaluate("0")  # lets what the browser has to say arrive
            return sent.buttons == list(buttons)

        wait_until(are_sent, f"{buttons} are held")

    visitor.by_id("seed-card").first.tap()
    visitor.wait_for("playing")
    canvas = visitor.by_id("canvas")

    def finger(event: str, y: int) -> None:
        point = {"pointerType": "touch", "pointerId": 7, "isPrimary": True, "clientX": 90, "clientY": y}
        canvas.dispatch_event(event, point)

    finger("pointerdown", 600)
    finger("pointermove", 550)
    wait_for("W")
    finger("pointermove", 500)
    wait_for("SHIFT", "W")
    finger("pointermove", 530)
    visitor.wait_for_frames(8)
    wait_for("SHIFT", "W")  # a finger that trembles does not flicker between walking and sprinting
    finger("pointermove", 545)
    wait_for("W")
    visitor.by_id("crouch-button").tap()
    wait_for("CTRL", "W")
    assert visitor.by_id("crouch-button").get_attribute("aria-pressed") == "true"
    finger("pointerup", 545)
    wait_for("CTRL")
    visitor.by_id("crouch-button").tap()
    wait_for()
