"""The words that steer a world: a field in the menu where its engine hears them, and none elsewhere."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from services.frame_encoder.simple_jpeg_encoder import SimpleJpegEncoder
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.play.harness import fake_services, picture, play_server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.browser.conftest import Invite

pytestmark = [pytest.mark.browser, pytest.mark.trial, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("hears_words", [True, False])
def test_words_are_said_in_the_menu_where_the_engine_hears_them(invite: Invite, *, hears_words: bool) -> None:
    model = FakeModel(
        make_engine=lambda name: FakeWorldEngine(name, hears_words=hears_words, height=90, width=160),
        takes_words=hears_words,
    )
    with closing(SimpleJpegEncoder(1)) as encoder:
        services = replace(fake_services(model), frame_encoder=encoder)
        with play_server(services) as server:
            server.http.post("/api/seeds?title=Pond", content=picture(90, 140, 60)).raise_for_status()
            visitor = invite(str(server.http.base_url))
            visitor.enter("Pond")
            visitor.pause()
            field = visitor.by_id("words-input")
            assert field.is_visible() is hears_words
            if hears_words:
                field.fill("fog over a river")  # with the letter that starts the world over, if it were a shortcut
                field.press("r")
                field.press("Enter")
                visitor.wait_for("playing")
                world = model.engines[0].worlds[0]
                wait_until(lambda: world.words == "fog over a riverr", "the world has heard it")
                visitor.pause()
                assert field.input_value() == "fog over a riverr"
            visitor.page.context.close()
