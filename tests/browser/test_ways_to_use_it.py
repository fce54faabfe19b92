"""The page on a phone, by keyboard alone, and in windows of odd shapes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.browser.conftest import Invite
    from tests.browser.server_process import ServerProcess
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.trial, pytest.mark.xdist_group("browser")]

_PHONE: Final = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}

# How the frame is laid into the canvas, less its padding.
_READ_FIT: Final = """(canvas) => {
  const style = getComputedStyle(canvas);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight - 2 * parseFloat(style.paddingTop)];
  return { fit: style.objectFit, width, height, frame: canvas.width / canvas.height };
}"""


def _scrolls_sideways(visitor: Visitor) -> bool:
    return visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_a_phone_can_walk(invite: Invite, server: ServerProcess) -> None:
    visitor = invite(server.url, **_PHONE)
    assert not _scrolls_sideways(visitor)
    visitor.by_id("seed-card").first.tap()
    visitor.wait_for("playing")
    first = visitor.see()
    finger = {"pointerType": "touch", "pointerId": 7, "isPrimary": True}
    canvas = visitor.by_id("canvas")
    canvas.dispatch_event("pointerdown", {**finger, "clientX": 90, "clientY": 600})
    canvas.dispatch_event("pointermove", {**finger, "clientX": 90, "clientY": 540})
    visitor.wait_for_other_view(first)
    canvas.dispatch_event("pointerup", {**finger, "clientX": 90, "clientY": 540})
    visitor.by_id("menu-button").tap()
    visitor.wait_for("paused")
    assert not _scrolls_sideways(visitor)
    assert visitor.by_id("menu").evaluate("(menu) => menu.scrollWidth <= menu.clientWidth")


def _focus_by_tab(visitor: Visitor, test_id: str) -> None:
    for _ in range(40):
        visitor.page.keyboard.press("Tab")
        if visitor.page.evaluate("document.activeElement?.dataset.testid ?? null") == test_id:
            return
    raise AssertionError(f"Tab does not lead to {test_id}.")


def _focused_title(visitor: Visitor) -> str:
    return visitor.page.evaluate(
        "(document.activeElement.querySelector('strong') ?? document.activeElement).textContent"
    )


def test_the_keyboard_alone_is_enough(visitor: Visitor) -> None:
    press = visitor.page.keyboard.press
    _focus_by_tab(visitor, "seed-card")
    press("Enter")
    visitor.wait_for("playing")
    visitor.walk(8)
    visitor.pause()
    visitor.page.wait_for_function("() => document.activeElement?.dataset.testid === 'resume-button'")
    press("Enter")
    visitor.wait_for("playing")
    visitor.pause()
    _focus_by_tab(visitor, "pictures-button")
    press("Enter")
    _focus_by_tab(visitor, "picture")
    _focus_by_tab(visitor, "picture")
    title = _focused_title(visitor)
    press("Enter")
    visitor.wait_for("playing")
    visitor.walk(8)
    visitor.pause()
    assert visitor.page.locator("#menu-title").inner_text() == title
    _focus_by_tab(visitor, "leave-button")
    press("Enter")
    visitor.wait_for("gallery")
    wait_until(lambda: _focused_title(visitor) == title, "the picture that was left is in focus")


def test_the_picture_keeps_its_shape_in_any_window(visitor: Visitor) -> None:
    visitor.enter()
    for width, height in [(1280, 960), (1680, 720), (844, 390), (390, 844), (500, 700)]:
        visitor.page.set_viewport_size({"width": width, "height": height})
        visitor.page.wait_for_function("(width) => innerWidth === width", arg=width)
        wait_until(partial(_is_whole_and_fits, visitor, width), f"the picture fits into {width}x{height}")
        assert not _scrolls_sideways(visitor)


def _is_whole_and_fits(visitor: Visitor, width: int) -> bool:
    fit = visitor.by_id("canvas").evaluate(_READ_FIT)
    shown_width = min(fit["width"], fit["height"] * fit["frame"])
    assert fit["frame"] == pytest.approx(1280 / 720)  # as the default engine makes it
    return fit["fit"] == "cover" or (fit["fit"] == "contain" and shown_width == pytest.approx(width))
