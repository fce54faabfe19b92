"""One world gives way to another: in an engine with little room, on the device, and when the client leaves."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from runtime_config.runtime_config import SessionLimits
from services.image_classifier.image_classifier import ClassifierReady
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_world_engine import HOLD_LIMIT_S, FakeWorld, FakeWorldEngine
from tests.fakes.fake_world_store import FakeWorldStore
from tests.play.harness import fake_services, picture, play_server, session_config
from tests.services.world_files.samples import sample_world
from tests.waiting import wait_until

if TYPE_CHECKING:
    from services.world_engine.world_engine import Picture


class SlowToOpen(FakeWorldEngine):
    """An engine whose worlds open when the test lets them; `refuses` makes it fail to open one in that red."""

    def __init__(self, model_id: str, *, max_worlds: int | None = None, refuses: int | None = None) -> None:
        super().__init__(model_id, max_worlds=max_worlds)
        self.refuses = refuses
        self.may_open = threading.Event()
        self.may_open.set()
        self.is_opening = threading.Event()

    def open_world(self, seed: Picture, *, rng_seed: int) -> FakeWorld:
        self.is_opening.set()
        assert self.may_open.wait(HOLD_LIMIT_S), "The test never let the world open."
        if seed[0, 0, 0] == self.refuses:
            raise RuntimeError("This picture is too much, as the test asked.")
        return super().open_world(seed, rng_seed=rng_seed)


def test_a_client_that_leaves_while_its_world_opens_leaves_none_behind() -> None:
    engine = SlowToOpen("fake/world")
    engine.may_open.clear()
    with play_server(fake_services(FakeModel(make_engine=lambda _: engine))) as server:
        with server.client() as client:
            client.init(picture(10))
            assert engine.is_opening.wait(HOLD_LIMIT_S)
        wait_until(lambda: server.sessions()[0]["state"] == "ended", "the session ended")
        engine.may_open.set()
        wait_until(lambda: not server.sessions(), "the place is free")
        assert engine.open_worlds == 0


def test_an_engine_with_room_for_one_world_plays_another_picture() -> None:
    engine = SlowToOpen("fake/world", max_worlds=1, refuses=66)
    with play_server(fake_services(FakeModel(make_engine=lambda _: engine))) as server, server.client() as client:
        client.start(picture(10))
        client.hold("W")
        assert client.reply(client.init(picture(20)))["success"]
        assert client.hold("W").content.seed_mean[0] == 20
        assert engine.open_worlds == 1


def test_a_picture_that_cannot_be_opened_leaves_the_only_world_where_it_was() -> None:
    engine = SlowToOpen("fake/world", max_worlds=1, refuses=66)
    with play_server(fake_services(FakeModel(make_engine=lambda _: engine))) as server, server.client() as client:
        client.start(picture(10))
        before = client.hold("W", until=lambda frame: frame.content.pass_number > 3).content
        reply = client.reply(client.init(picture(66)))
        assert (reply["success"], reply["code"]) == (False, "engineFailed")
        after = client.hold("W").content
        assert (after.seed_mean[0], after.rng_seed) == (10, before.rng_seed)
        assert after.pass_number > before.pass_number
        assert engine.open_worlds == 1


@pytest.mark.parametrize("fails", [None, "No weights."])
def test_engines_on_the_device_follow_one_another_in_a_session(fails: str | None) -> None:
    one = FakeModel("fake/one", placement="device")
    two = FakeModel("fake/two", placement="device", fail=fails)
    with play_server(fake_services(one, two)) as server, server.client() as client:
        client.start(picture(30), model="fake/one")
        before = client.hold("W", until=lambda frame: frame.content.pass_number > 3).content
        reply = client.reply(client.init(None, model="fake/two"))
        after = client.hold("W").content
        assert reply["success"] is (fails is None)
        if fails is None:
            assert after.pass_number <= before.pass_number, "another world"
            wait_until(lambda: one.engines[0].is_closed, "the first engine was unloaded")
            assert client.reply(client.init(None, model="fake/one"))["data"]["model"] == "fake/one"
            assert client.hold("W").content.seed_mean[0] == 30
        else:
            assert reply["code"] == "modelLoadFailed"
            assert after.rng_seed == before.rng_seed
            assert after.pass_number > before.pass_number, "the world went on where it was"
            assert [engine.open_worlds for engine in one.engines] == [0, 1]


def test_an_engine_on_the_device_that_others_play_on_stays() -> None:
    one, two = FakeModel("fake/one", placement="device"), FakeModel("fake/two", placement="device")
    services = fake_services(one, two)
    with play_server(services) as server, server.client() as client, server.client() as other:
        client.start(picture(30), model="fake/one")
        other.start(picture(40), model="fake/one")
        reply = client.reply(client.init(None, model="fake/two"))
        assert (reply["error_id"], reply["code"]) == ("app.server.error.serverBusy", "modelBusy")
        client.hold("W")
        other.hold("W")
        assert not two.engines


def test_a_session_keeps_its_place_while_it_opens_a_saved_world() -> None:
    store = FakeWorldStore()
    world_id = store.add(sample_world(), "uploaded").id
    classifier = FakeImageClassifier(status=ClassifierReady("1"))
    classifier.hold = threading.Event()
    services = fake_services(world_store=store, classifier=classifier)
    limits = SessionLimits(displace_after_s=0)
    with play_server(services, limits=limits, max_sessions=1) as server, server.client(extended=True) as client:
        req_id = client.request("init", model="fake/world", config=session_config(), world_id=world_id)
        assert classifier.entered.wait(HOLD_LIMIT_S)
        with server.client() as newcomer:
            assert newcomer.of_type("error")["message_id"] == "app.server.error.serverBusy"
        classifier.hold.set()
        assert client.reply(req_id)["code"] == "worldOtherModel"
        client.start()


def test_keys_that_were_held_do_not_move_a_moment_that_was_returned_to() -> None:
    limits = SessionLimits(control_hold_s=3600)
    with play_server(limits=limits) as server, server.client(extended=True) as client:
        client.start()
        client.hold("W", until=lambda frame: frame.content.pass_number > 2)
        client.send("pause")
        moment = client.reply(client.request("take_moment"))["data"]["moment_id"]
        client.send("resume")
        client.control("W")
        reply = client.reply(client.request("restore_moment", moment_id=moment))
        assert reply["data"]["kept"] == [moment]
        client.control("A")
        first = client.played_frame(lambda frame: frame.header.frame_id == 1)
        assert first.content.buttons == {ord("A")}
