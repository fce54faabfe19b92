"""What a person sets for this browser, pictures of the world, and the address of a place."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import pytest
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Invite
    from tests.browser.server_process import ServerProcess
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.trial, pytest.mark.xdist_group("browser")]

_FOCUSED: Final = "document.activeElement?.dataset.testid"


def _open_controls(visitor: Visitor) -> None:
    visitor.by_id("controls-button").press("Enter")
    visitor.by_id("key-list").wait_for()


def _bind(visitor: Visitor, action: str, key: str) -> None:
    visitor.by_id(f"key-{action}").press("Enter")
    visitor.page.keyboard.press(key)


def _keys(visitor: Visitor, *actions: str) -> list[str]:
    return [visitor.by_id(f"key-{action}").inner_text() for action in actions]


def test_keys_are_bound_again_and_the_world_obeys(visitor: Visitor) -> None:
    _open_controls(visitor)
    _bind(visitor, "forward", "Space")
    assert _keys(visitor, "forward", "jump") == ["Space", "No key"]
    assert "“Jump”" in visitor.by_id("keys-status").inner_text()
    assert visitor.page.evaluate(_FOCUSED) == "key-forward", "Space has bound, and must not press the button as well"
    _bind(visitor, "reset", "k")
    _bind(visitor, "left", "Escape")
    assert _keys(visitor, "forward", "left") == ["Space", "A"], "Escape keeps the key, and the view open"
    visitor.page.keyboard.press("Escape")
    visitor.by_id("player-settings").wait_for(state="hidden")

    visitor.enter()
    first = visitor.see()
    visitor.page.keyboard.down("Space")
    visitor.wait_for_other_view(first)
    visitor.page.keyboard.up("Space")
    visitor.page.keyboard.press("k")
    visitor.wait_for_same_view(first)
    visitor.pause()
    assert visitor.by_id("reset-button").locator("kbd").inner_text() == "K"
    visitor.by_id("player-settings-button").click()
    visitor.by_id("keys-reset").press("Enter")
    assert _keys(visitor, "forward", "jump", "reset") == ["W", "Space", "U"]


def test_the_first_hint_goes_away_for_good(visitor: Visitor) -> None:
    visitor.enter()
    hint = visitor.by_id("hint")
    hint.get_by_text("WASD walks").wait_for()
    with visitor.holding("w"), visitor.holding("ArrowLeft"):
        visitor.page.wait_for_function("(hint) => hint.textContent === ''", arg=hint.element_handle())
    visitor.page.reload()
    visitor.wait_for("playing")
    assert "WASD" not in hint.inner_text()


def test_a_picture_of_the_world_is_saved_as_it_is(visitor: Visitor, tmp_path: Path) -> None:
    visitor.enter()
    visitor.stand(10)
    with visitor.page.expect_download() as download:
        visitor.page.keyboard.press("F2")
    name = download.value.suggested_filename
    title = visitor.by_id("seed-card").first.locator("strong").text_content()
    assert title
    assert name.startswith(title)
    download.value.save_as(tmp_path / name)
    with Image.open(tmp_path / name) as picture:
        assert (picture.format, picture.size) == ("PNG", (1280, 720))
    visitor.by_id("toasts").get_by_text("downloads").wait_for()


def test_a_link_to_a_place_opens_it_and_back_leaves_it(invite: Invite, server: ServerProcess) -> None:
    visitor = invite(server.url, permissions=["clipboard-read", "clipboard-write"])
    title = visitor.by_id("seed-card").nth(1).locator("strong").inner_text()
    visitor.enter(title)
    visitor.pause()
    visitor.by_id("copy-link-button").click()
    visitor.by_id("menu-problem").get_by_text("clipboard").wait_for()
    link = visitor.page.evaluate("navigator.clipboard.readText()")

    friend = invite(server.url)
    friend.page.goto(link)
    friend.wait_for("playing")
    friend.pause()
    friend.by_id("leave-button").click()
    friend.wait_for("gallery")
    assert "#" not in friend.page.url

    visitor.by_id("resume-button").click()
    visitor.wait_for("playing")
    visitor.page.go_back()
    visitor.wait_for("paused")  # a slip of the finger does not end the world
    assert visitor.page.locator("#menu-title").inner_text() == title
    visitor.page.go_back()
    visitor.wait_for("gallery")
    visitor.page.goto(f"{server.url}/#seed={'0' * 64}")
    visitor.by_id("toasts").get_by_text("not on this server").wait_for()


def _upright() -> bytes:
    file = io.BytesIO()
    picture = Image.new("RGB", (300, 400), (200, 30, 30))
    picture.paste((30, 30, 200), (0, 0, 300, 200))
    picture.save(file, "PNG")
    return file.getvalue()


def _offer(visitor: Visitor) -> None:
    picture: Any = {"name": "tall house.png", "mimeType": "image/png", "buffer": _upright()}
    visitor.by_id("file-input").set_input_files(picture)
    visitor.by_id("framing").wait_for()


def test_an_upright_picture_is_framed_as_the_person_wants_it(visitor: Visitor) -> None:
    _offer(visitor)
    visitor.by_id("framing-at").press("Home")
    top = visitor.see("framing-preview")
    visitor.by_id("framing-at").press("End")
    end = visitor.see("framing-preview")
    assert top.mean(axis=(0, 1))[2] > 180 > end.mean(axis=(0, 1))[2], "the upper half is blue, the lower one red"
    visitor.by_id("framing-whole").check()
    whole = visitor.see("framing-preview")
    assert whole[:20].mean(axis=(0, 1))[2] > 100
    assert whole[-20:].mean(axis=(0, 1))[0] > 100
    visitor.by_id("framing-cancel").click()
    visitor.by_id("framing").wait_for(state="hidden")
    assert visitor.by_id("seed-card").filter(has_text="tall house").count() == 0
    _offer(visitor)
    visitor.by_id("framing-at").press("Home")
    visitor.by_id("framing-add").click()
    card = visitor.by_id("seed-card").filter(has_text="tall house")
    card.wait_for()
    image = card.locator("img")
    assert image.evaluate("(image) => image.width / image.height") == pytest.approx(16 / 9, abs=0.4)
    visitor.enter("tall house")
    assert visitor.see().mean(axis=(0, 1))[2] > 180


_PLUG_IN_PAD: Final = """() => {
  const buttons = Array.from({ length: 17 }, () => ({ pressed: false, value: 0 }));
  globalThis.pad = { mapping: "standard", buttons, axes: [0, 0, 0, 0] };
  Object.defineProperty(navigator, "getGamepads", { value: () => [pad] });
  window.dispatchEvent(new Event("gamepadconnected"));
}"""
# Holds a button for some frames of the page, as a thumb does.
_PRESS_PAD: Final = """async (index) => {
  const frames = async () => { for (let n = 0; n < 3; n += 1) await new Promise(requestAnimationFrame); };
  for (const pressed of [true, false]) { pad.buttons[index].pressed = pressed; await frames(); }
}"""
_A, _START, _DOWN = 0, 9, 13


def test_a_gamepad_reaches_menu_and_gallery(visitor: Visitor) -> None:
    def press(button: int) -> None:
        visitor.page.evaluate(_PRESS_PAD, button)

    visitor.page.evaluate(_PLUG_IN_PAD)
    visitor.by_id("seed-card").first.focus()
    press(_A)
    visitor.wait_for("playing")
    press(_START)
    visitor.wait_for("paused")
    press(_START)
    visitor.wait_for("playing")
    press(_START)
    visitor.wait_for("paused")
    while visitor.page.evaluate(_FOCUSED) != "leave-button":
        press(_DOWN)
    press(_A)
    visitor.wait_for("gallery")
