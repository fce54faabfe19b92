"""`init` while a world plays: differences are applied, and a failure changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.play.harness import fake_services, picture, play_server
from tests.waiting import wait_until


def test_an_init_that_changes_nothing_is_answered_and_touches_nothing() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, server.client() as client:
        seed = picture(10)
        client.start(seed)
        client.hold("W")
        for again in (None, seed):
            assert client.reply(client.init(again))["success"]
        assert client.hold("W").header.frame_id > 1
        assert len(model.engines[0].worlds) == 1


def test_another_seed_starts_another_world_also_while_paused_and_shows_it() -> None:
    model = FakeModel()
    with play_server(fake_services(model)) as server, server.client() as client:
        client.start(picture(10))
        client.hold("W")
        client.send("pause")
        req_id = client.init(picture(20))
        shown = client.frame(lambda frame: len(frame.jpegs) == 1)
        assert shown.header.frame_id == 0
        assert client.reply(req_id)["success"]
        client.send("resume")
        assert client.hold("W").content.seed_mean[0] == 20
        wait_until(lambda: model.engines[0].open_worlds == 1, "the old world was closed")


def test_another_model_takes_over_and_the_old_engine_is_given_back() -> None:
    one, two = FakeModel("fake/one"), FakeModel("fake/two", make_engine=lambda i: FakeWorldEngine(i, frames_per_pass=3))
    with play_server(fake_services(one, two)) as server, server.client() as client:
        client.start(picture(30), model="fake/one")
        client.hold("W")
        reply = client.reply(client.init(None, model="fake/two"))
        assert reply["data"]["model"] == "fake/two"
        frame = client.hold("W", until=lambda frame: len(frame.jpegs) == 3)
        assert frame.content.seed_mean[0] == 30  # the seed stays when only the model changes
        assert one.engines[0].open_worlds == 0
        reply = client.reply(client.init(None, model="fake/one"))
        assert reply["data"]["model"] == "fake/one"


@pytest.mark.parametrize(
    ("init", "code"),
    [
        ({"model": "no/such"}, "unknownModel"),
        ({"quant": "intw8a8"}, "unsupportedQuant"),
        ({"engine_backend": "quark"}, "unsupportedBackend"),
        ({"model": "fake/broken"}, "modelLoadFailed"),
        ({"seed": b"no picture"}, "seedNotAPicture"),
    ],
)
def test_a_failed_init_is_only_an_error_reply_and_the_world_plays_on(init: dict[str, Any], code: str) -> None:
    good, broken = FakeModel(), FakeModel("fake/broken", fail="No weights.")
    with play_server(fake_services(good, broken)) as server, server.client() as client:
        client.start(picture(10))
        before = client.hold("W").content.pass_number
        reply = client.reply(client.init(**init))
        assert (reply["success"], reply["code"]) == (False, code)
        after = client.hold("W").content
        assert after.seed_mean[0] == 10
        assert after.pass_number > before


def test_returning_to_the_previous_model_after_a_failed_load_works() -> None:
    good, broken = FakeModel(), FakeModel("fake/broken", fail="No weights.")
    with play_server(fake_services(good, broken)) as server, server.client() as client:
        client.start(picture(10))
        assert not client.reply(client.init(None, model="fake/broken"))["success"]
        assert client.reply(client.init(None))["success"]
        client.hold("W")


def test_the_cap_can_be_lifted_and_set_in_play() -> None:
    with play_server() as server, server.client() as client:
        client.start(cap_inference_fps=False)
        for _ in range(10):
            client.hold("W")
        assert client.reply(client.init(None, cap_inference_fps=True))["success"]
        client.hold("W")
        assert client.reply(client.init(None, cap_inference_fps=False))["success"]
        client.hold("W")
