"""Scenes in words through the page: a real server, tiny models loaded like large ones, and a local endpoint."""

from __future__ import annotations

import importlib.util
import io
from typing import TYPE_CHECKING, Final

import pytest
from PIL import Image

from tests.browser.studio import REASON, words_of
from tests.browser.visitor import SAME_VIEW, difference
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.conftest import Invite, StartServer
    from tests.browser.tiny_models import TinyModels
    from tests.browser.visitor import Visitor
    from tests.services.openai_server import OpenAIServer

pytestmark = [
    pytest.mark.trial,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("diffusers") is None, reason="the extra models is not installed"),
]

_MADE_MS: Final = deadline_s(300) * 1000  # models are loaded meanwhile, at the lowest priority

# Both in the page itself: by the time that a test has seen it, a tiny model may be done.
_NOTE_PROGRESS: Final = """(dialog) => {
  globalThis.noted = [];
  const find = (id) => dialog.querySelector(`[data-testid=${id}]`);
  const note = () => noted.push(find("authoring-status").textContent, find("authoring-progress").ariaValueNow);
  new MutationObserver(note).observe(dialog, { subtree: true, childList: true, attributes: true });
}"""
_CANCEL_WHEN_PAINTING: Final = """(dialog) => {
  const find = (id) => dialog.querySelector(`[data-testid=${id}]`);
  const observer = new MutationObserver(() => {
    if (!find("authoring-status").textContent.startsWith("Painting")) return;
    observer.disconnect();
    find("authoring-close").click();
  });
  observer.observe(dialog, { subtree: true, childList: true });
}"""

_FOCUSED: Final = "document.activeElement?.dataset.testid ?? null"


def _stand_still(visitor: Visitor) -> None:
    visitor.enter()
    visitor.stand()
    visitor.come_to_rest()


def _ask_for(visitor: Visitor, words: str) -> None:
    visitor.page.keyboard.type(words)
    visitor.page.keyboard.press("Enter")


def _press_q(visitor: Visitor) -> None:
    visitor.page.keyboard.press("q")
    visitor.by_id("authoring").wait_for()


def _status(visitor: Visitor, words: str) -> None:
    visitor.by_id("authoring-status").get_by_text(words).wait_for(timeout=_MADE_MS)


def _close(visitor: Visitor) -> None:
    visitor.page.keyboard.press("Escape")
    visitor.by_id("authoring").wait_for(state="hidden")


def _card(visitor: Visitor, words: str) -> Locator:
    return visitor.by_id("seed-card").filter(has_text=words)


# ------------------------------------------------------------------------------------------ the world in play


def test_a_scene_is_changed_compared_and_taken_back(artist: Visitor) -> None:
    _stand_still(artist)
    before, frames = artist.see(), artist.figures().frames_drawn
    _press_q(artist)
    assert artist.page.evaluate(_FOCUSED) == "authoring-prompt"
    artist.page.keyboard.type("was du willst: uqeh")
    assert artist.by_id("authoring-prompt").input_value() == "was du willst: uqeh"
    assert artist.come_to_rest() == frames, "keys for the text have moved the world"
    artist.by_id("authoring").evaluate(_NOTE_PROGRESS)
    artist.page.keyboard.press("Enter")
    _status(artist, "Done")
    assert {"Finding the words", "Painting", "25", "75", "Checking the picture"} <= set(artist.page.evaluate("noted"))
    assert artist.by_id("authoring-progress").is_hidden()
    artist.wait_for_other_view(before)
    assert artist.by_id("scene-preview-label").inner_text() == "After: was du willst: uqeh"
    after = artist.see("scene-preview-picture")
    assert difference(after, artist.see()) < SAME_VIEW
    artist.by_id("authoring-before").click()
    assert artist.by_id("scene-preview-label").inner_text() == "Before"
    artist.page.wait_for_function(
        "(picture) => picture.complete", arg=artist.by_id("scene-preview-picture").element_handle()
    )
    assert difference(before, artist.see("scene-preview-picture")) < SAME_VIEW
    assert artist.by_id("authoring-edit").all_inner_texts() == ["was du willst: uqeh"]
    _close(artist)
    artist.wait_for("playing")
    artist.walk(8)
    artist.come_to_rest()
    assert not artist.by_id("scene-preview").is_visible()
    _press_q(artist)
    artist.by_id("authoring-edit").click()
    assert difference(after, artist.see("scene-preview-picture")) < SAME_VIEW
    artist.by_id("authoring-undo").click()
    _status(artist, "Undone")
    artist.wait_for_same_view(before)
    assert artist.by_id("authoring-edit").count() == 0
    assert artist.page.evaluate(_FOCUSED) == "authoring-prompt"
    _close(artist)
    artist.wait_for("playing")
    artist.walk(8)


def test_a_change_is_cancelled_refused_and_made_after_all(artist: Visitor) -> None:
    _stand_still(artist)
    before = artist.see()
    _press_q(artist)
    _ask_for(artist, "")
    _status(artist, artist.text_of("authoringEmptyPrompt"))
    artist.by_id("authoring").evaluate(_CANCEL_WHEN_PAINTING)
    _ask_for(artist, "a red balloon")
    _status(artist, artist.text_of("cancelled"))
    assert artist.by_id("authoring-prompt").input_value() == "a red balloon"
    artist.by_id("authoring-prompt").fill("")
    _ask_for(artist, "a famous mouse")
    _status(artist, REASON)
    artist.come_to_rest()
    assert difference(before, artist.see()) < SAME_VIEW
    assert artist.by_id("authoring-edit").count() == 0
    artist.by_id("authoring-prompt").fill("a red balloon")
    artist.page.keyboard.press("Enter")
    _status(artist, "Done")
    artist.wait_for_other_view(before)
    _close(artist)
    artist.wait_for("playing")
    artist.page.keyboard.press("u")
    artist.wait_for_same_view(before)
    _press_q(artist)
    assert artist.by_id("authoring-edit").count() == 0, "a world that starts over was never changed"
    _close(artist)


def test_the_menu_leads_to_a_new_place_which_stays_in_the_gallery(artist: Visitor) -> None:
    _stand_still(artist)
    before = artist.see()
    artist.pause()
    artist.by_id("generate-scene-button").click()
    _close(artist)
    assert artist.by_id("menu").is_visible()
    assert artist.page.evaluate(_FOCUSED) == "generate-scene-button"
    artist.page.keyboard.press("Enter")
    _ask_for(artist, "a flooded cathedral")
    artist.by_id("authoring").wait_for(state="hidden", timeout=_MADE_MS)
    artist.wait_for("playing")
    artist.wait_for_other_view(before)
    artist.pause()
    assert artist.page.locator("#menu-title").inner_text() == "a flooded cathedral"
    artist.by_id("leave-button").click()
    artist.wait_for("gallery")
    _card(artist, "a flooded cathedral").wait_for()


# ------------------------------------------------------------------------------------------------ the gallery


def test_a_place_is_made_in_the_gallery_entered_and_deleted(artist: Visitor) -> None:
    first = artist.by_id("seed-card").count()
    artist.by_id("words-card").click()
    _ask_for(artist, "a desert of glass")
    job = artist.by_id("scene-job").filter(has_text="a desert of glass")
    job.wait_for()
    job.get_by_role("progressbar").wait_for()
    card = _card(artist, "a desert of glass")
    card.wait_for(timeout=_MADE_MS)
    job.wait_for(state="detached")
    artist.by_id("toasts").get_by_text("a desert of glass").wait_for()
    card.click()
    artist.wait_for("playing")
    artist.walk(8)
    artist.pause()
    artist.by_id("leave-button").click()
    artist.wait_for("gallery")
    artist.page.get_by_role("button", name="Delete a desert of glass").click()
    artist.page.get_by_role("button", name="Really delete a desert of glass?").click()
    card.wait_for(state="detached")
    assert artist.by_id("seed-card").count() == first


def test_a_place_that_is_being_made_outlives_a_reload_and_is_given_up(artist: Visitor) -> None:
    artist.by_id("words-card").click()
    _ask_for(artist, "a lighthouse, in a while")
    text = artist.by_id("job-text")
    text.get_by_text("Finding the words").wait_for()
    artist.page.reload()
    text.get_by_text("Finding the words").wait_for()
    artist.page.get_by_role("button", name="Cancel: a lighthouse, in a while").click()
    artist.by_id("scene-job").wait_for(state="detached")


def test_a_place_that_is_refused_says_why_and_can_be_put_in_other_words(artist: Visitor) -> None:
    artist.by_id("words-card").click()
    _ask_for(artist, "the house of a mouse")
    artist.by_id("job-text").get_by_text(REASON).wait_for()
    artist.by_id("job-again").click()
    assert artist.by_id("authoring-prompt").input_value() == "the house of a mouse"
    artist.by_id("scene-job").wait_for(state="detached")
    _close(artist)
    assert artist.page.evaluate("terrarium.state") == "gallery"


# --------------------------------------------------------------------------------------- where there is nothing


def test_without_anything_to_make_scenes_with_the_page_says_what_is_missing(visitor: Visitor) -> None:
    reason = visitor.page.evaluate("fetch('/health').then((answer) => answer.json())")["authoring"]["reason"]
    assert "endpoint in the settings" in reason
    visitor.by_id("words-card").get_by_text("Not set up yet").wait_for()
    visitor.by_id("words-card").click()
    _status(visitor, reason)
    _close(visitor)
    visitor.enter()
    _press_q(visitor)
    _status(visitor, reason)
    assert visitor.by_id("authoring-prompt").is_hidden()
    assert visitor.by_id("authoring-submit").is_hidden()
    assert visitor.by_id("authoring-mend").is_visible(), "nothing leads to the settings"
    _close(visitor)
    visitor.wait_for("playing")
    visitor.walk(8)


# ----------------------------------------------------------------------------------------------------- safety


def _picture() -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((640, 360)).save(file, "PNG")
    return file.getvalue()


def test_an_unsafe_picture_is_not_shown_and_the_page_says_so(
    models: TinyModels, endpoint: OpenAIServer, start_server: StartServer, invite: Invite
) -> None:
    server = start_server(
        **words_of(endpoint),
        TERRARIUM_IMAGE_ENDPOINT=f"{endpoint.base_url}/v1",
        TERRARIUM_IMAGE_MODEL="painter",
        HF_HUB_CACHE=str(models.severe),
    )
    visitor = invite(server.url)
    cards = visitor.by_id("seed-card").count()
    picture = {"name": "mine.png", "mimeType": "image/png", "buffer": _picture()}
    visitor.by_id("file-input").set_input_files(picture)  # pyright: ignore[reportArgumentType] - a FilePayload
    notice = visitor.page.locator("#gallery-notice")
    notice.wait_for(timeout=_MADE_MS)
    assert notice.inner_text() == visitor.text_of("seedUnsafe")
    visitor.excuse("/api/seeds")
    visitor.by_id("words-card").click()
    _ask_for(visitor, "a red room")
    visitor.by_id("job-text").get_by_text("judged unsafe").wait_for(timeout=_MADE_MS)
    visitor.by_id("job-dismiss").click()
    assert visitor.by_id("seed-card").count() == cards
    _stand_still(visitor)
    before = visitor.see()
    _press_q(visitor)
    _ask_for(visitor, "make it red")
    _status(visitor, "judged unsafe")
    _close(visitor)
    visitor.wait_for("playing")
    visitor.come_to_rest()
    assert difference(before, visitor.see()) < SAME_VIEW
