"""A person's own picture, by the file input."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.trial, pytest.mark.xdist_group("browser")]


def _violet_dusk(height: int = 360) -> bytes:
    """A PNG of a violet sky over dark red ground, unlike any shipped picture."""
    rows = np.linspace(0, 1, height)[:, None, None]
    sky = np.array([120, 20, 200]) + rows * np.array([60, 40, 40])
    ground = np.array([110, 10, 20]) - rows * np.array([40, 5, 5])
    pixels = np.where(rows < 0.55, sky, ground).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.repeat(pixels, 640, axis=1)).save(file, "PNG")
    return file.getvalue()


# Drops files, given by name and base64, onto the page.
_DROP: Final = """(files) => {
  const transfer = new DataTransfer();
  for (const [name, content] of files) {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def _drop(visitor: Visitor, **files: bytes) -> None:
    named = [(name.replace("_", "."), base64.b64encode(content).decode()) for name, content in files.items()]
    visitor.page.evaluate(_DROP, named)


def test_every_picture_that_is_dropped_comes_into_the_gallery(visitor: Visitor) -> None:
    _drop(visitor, first_png=_violet_dusk(300), second_png=_violet_dusk(310))
    for title in ("first", "second"):
        visitor.by_id("seed-card").filter(has=visitor.page.get_by_text(title, exact=True)).wait_for()


def test_a_world_that_is_dropped_is_taken_for_one(visitor: Visitor) -> None:
    _drop(visitor, mine_world=b"no world")
    notice = visitor.by_id("worlds-notice").filter(has_text=visitor.text_of("worldNotAWorld"))
    notice.wait_for()
    visitor.excuse("/api/worlds")


def test_an_own_picture_can_be_played(visitor: Visitor) -> None:
    picture = {"name": "violet_dusk.png", "mimeType": "image/png", "buffer": _violet_dusk()}
    visitor.by_id("file-input").set_input_files(picture)  # pyright: ignore[reportArgumentType] - a FilePayload
    visitor.by_id("seed-card").filter(has_text="violet dusk").wait_for()
    visitor.enter("violet dusk")
    seen = visitor.see()
    sky, ground = seen[:10].mean(axis=(0, 1)), seen[-10:].mean(axis=(0, 1))
    assert sky[2] > sky[0] > sky[1]
    assert ground[0] > 2 * max(ground[1], ground[2])


@pytest.mark.parametrize(
    ("content", "code"), [(b"no picture at all", "seedNotAPicture"), (b"", "seedEmpty")], ids=["text", "empty"]
)
def test_a_file_that_is_no_picture_is_explained(visitor: Visitor, content: bytes, code: str) -> None:
    cards = visitor.by_id("seed-card").count()
    file = {"name": "broken.png", "mimeType": "image/png", "buffer": content}
    visitor.by_id("file-input").set_input_files(file)  # pyright: ignore[reportArgumentType] - a FilePayload
    notice = visitor.page.locator("#gallery-notice")
    notice.wait_for()
    assert notice.inner_text() == visitor.text_of(code)
    assert visitor.by_id("seed-card").count() == cards
    visitor.enter()
    visitor.excuse("/api/seeds")


def test_a_picture_of_ones_own_comes_first_and_is_deleted_at_the_second_click(visitor: Visitor) -> None:
    picture = {"name": "harbour at noon.png", "mimeType": "image/png", "buffer": _violet_dusk(350)}
    visitor.by_id("file-input").set_input_files(picture)  # pyright: ignore[reportArgumentType] - a FilePayload
    own = visitor.page.locator("li.seed-card").filter(has_text="harbour at noon")
    own.wait_for()
    titles = visitor.by_id("seed-card").locator("strong").all_inner_texts()
    assert titles[1] == "harbour at noon", "behind the large first card"
    delete = own.get_by_test_id("seed-delete")
    delete.click()
    assert (delete.inner_text(), delete.get_attribute("aria-label")) == ("Delete?", "Really delete harbour at noon?")
    visitor.by_id("upload-card").focus()
    assert delete.inner_text() == "\N{MULTIPLICATION SIGN}", "whoever turns to something else was not sure"
    delete.click()
    delete.click()
    own.wait_for(state="detached")
    assert visitor.page.evaluate("document.activeElement?.dataset.testid") == "upload-card"
