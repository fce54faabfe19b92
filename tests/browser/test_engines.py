"""Choosing another engine for a picture: one click away, and remembered for that picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.trial, pytest.mark.xdist_group("browser")]


def _play_in(visitor: Visitor, model: str) -> None:
    visitor.by_id("seed-engines").first.click()
    visitor.page.locator(f'[data-testid="engine-choice"][data-model="{model}"]').click()
    visitor.wait_for("playing")


def _leave(visitor: Visitor) -> None:
    visitor.pause()
    visitor.by_id("leave-button").click()
    visitor.wait_for("gallery")
    visitor.page.wait_for_function("() => location.hash === ''")


def _shows(visitor: Visitor, width: int) -> None:
    """The canvas takes the size of an engine's pictures with the first one that it draws."""
    canvas = visitor.by_id("canvas").element_handle()
    visitor.page.wait_for_function("([canvas, width]) => canvas.width === width", arg=[canvas, width])


def _invitations(visitor: Visitor) -> list[str]:
    return visitor.page.locator(".seed-go").all_inner_texts()


def test_an_engine_that_was_chosen_for_a_picture_is_remembered_for_that_picture(visitor: Visitor) -> None:
    assert set(_invitations(visitor)) == {"Play"}
    _play_in(visitor, "terrarium/moss")
    _shows(visitor, 224)
    _leave(visitor)
    visitor.page.reload()
    visitor.by_id("seed-card").first.wait_for()
    first, *others = _invitations(visitor)
    assert (first, set(others)) == ("Play in Moss (neural)", {"Play"})
    visitor.enter()
    _shows(visitor, 224)
    _leave(visitor)
    _play_in(visitor, "terrarium/diorama")
    _shows(visitor, 1280)
    _leave(visitor)
    assert set(_invitations(visitor)) == {"Play"}


def test_the_choice_says_what_each_engine_shows_and_can_be_left(visitor: Visitor) -> None:
    visitor.by_id("seed-engines").first.click()
    choices = visitor.by_id("engine-choice")
    texts = choices.all_inner_texts()
    assert len(texts) >= 2
    assert "Diorama, shows this picture best" in texts[0]
    assert all(len(text.splitlines()[-1].split()) >= 8 for text in texts), "each is described"
    assert choices.first.get_attribute("aria-current") == "true"
    visitor.page.keyboard.press("Escape")
    visitor.by_id("engines").wait_for(state="hidden")
    assert visitor.page.evaluate("terrarium.state") == "gallery"
