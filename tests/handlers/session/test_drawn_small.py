"""Stepped worlds that are drawn in a size of the client's: what is drawn of them, and what stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from services.world_engine.world_engine import NO_CONTROL
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_world_engine import FakeDrawnWorld, FakeWorldEngine
from tests.fakes.fake_world_store import FakeWorldStore
from tests.handlers.session.recording_studio import studio
from tests.handlers.session.test_stepped import answer, seen, start, step, stepped
from tests.handlers.session.test_world_files import replayed
from tests.play.harness import b64, fake_services, picture, play_server, session_config

if TYPE_CHECKING:
    from pathlib import Path

    from services.world_files.world_file import WorldFilePayload
    from tests.play.harness import PlayClient

SMALL: dict[str, Any] = {"width": 24, "height": 16}
WANTED: dict[str, Any] = {"codec": "rgb", "frames": "last", **SMALL}
ONLY_SMALL = [(24, 16, True)]
WHOLE_TOO = [(24, 16, True), (48, 32, False)]


def drawing() -> FakeModel:
    return FakeModel(make_engine=lambda model_id: FakeWorldEngine(model_id, draws_any_size=True))


def world_of(model: FakeModel, number: int = 0) -> FakeDrawnWorld:
    world = model.engines[0].worlds[number]
    assert isinstance(world, FakeDrawnWorld)
    return world


def test_only_the_frame_that_is_asked_for_is_drawn() -> None:
    model = drawing()
    with play_server(fake_services(model)) as server, stepped(server) as client:
        start(client, **SMALL)
        frames = [step(client, "W", **WANTED) for _ in range(3)]
    assert world_of(model).drawn == ONLY_SMALL * 3
    last = frames[-1]
    assert (last.header.width, last.header.height, len(last.jpegs[0])) == (24, 16, 24 * 16 * 3)
    assert (last.header.frame_id, last.header.temporal_compression) == (6, 2)  # as if all had been drawn
    assert (seen(last).pass_number, seen(last).sub_frame) == (3, 1)


def test_all_frames_of_a_pass_are_drawn_for_who_asks_for_them() -> None:
    model = drawing()
    with play_server(fake_services(model)) as server, stepped(server) as client:
        start(client, **SMALL)
        frame = step(client, "W", codec="rgb")
    assert world_of(model).drawn == [(24, 16, False)]
    assert [len(part) for part in frame.jpegs] == [24 * 16 * 3] * 2


def walked(store: FakeWorldStore, client: PlayClient, **size: Any) -> WorldFilePayload:
    start(client, rng_seed=5, **size)
    for key in "WWAD" * 20:
        step(client, key, mouse_dx=3, **WANTED)
    saved = client.reply(client.request("save_world"))
    world = store.read(saved["data"]["world_id"])
    assert world is not None
    return world


def test_a_walk_leads_to_the_same_world_file_however_it_is_drawn() -> None:
    store = FakeWorldStore()
    with play_server(fake_services(drawing(), world_store=store)) as server:
        with stepped(server) as client:
            large = walked(store, client)
        with stepped(server) as client:
            small = walked(store, client, **SMALL)
    assert [given.control for given in small.inputs] == [given.control for given in large.inputs]
    assert small.checks == large.checks != ()
    assert (small.place, small.place_picture) == (large.place, large.place_picture)
    assert replayed(small) == list(range(1, 81))


def test_a_recording_has_whole_frames_and_the_client_sees_what_it_would_see_without(tmp_path: Path) -> None:
    model = drawing()
    with studio(tmp_path, model) as rig, stepped(rig.server) as client:
        start(client, rng_seed=5, **SMALL)
        alone = [step(client, "W", **WANTED).jpegs for _ in range(3)]
        client.send("reset")
        assert client.reply(client.request("recording", on=True))["success"]
        recorded = [step(client, "W", **WANTED).jpegs for _ in range(3)]
        assert client.reply(client.request("recording", on=False, keep_short=True))["success"]
        step(client, "W", **WANTED)
        rig.outcome(0)
        plan = rig.recording(0).plan
    assert (plan.width, plan.height) == (48, 32)
    assert recorded == alone
    assert world_of(model).drawn == [*ONLY_SMALL * 3, *WHOLE_TOO * 3, *ONLY_SMALL]


def test_what_is_seen_is_the_same_after_a_step_and_after_coming_back() -> None:
    with play_server(fake_services(drawing())) as server, stepped(server) as client:
        start(client, **SMALL)
        step(client, "W", **WANTED)
        shown = step(client, "A", **WANTED)
        looked = answer(client, client.request("look", codec="rgb", **SMALL))
        moment = client.reply(client.request("take_moment"))["data"]["moment_id"]
        after = step(client, "D", **WANTED)
        assert client.reply(client.request("restore_moment", moment_id=moment))["success"]
        again = step(client, "D", **WANTED)
    assert looked.jpegs == shown.jpegs
    assert again.jpegs == after.jpegs


def test_a_moment_keeps_the_whole_picture_and_shows_it_again() -> None:
    model = drawing()
    with play_server(fake_services(model)) as server, stepped(server) as client:
        start(client, **SMALL)
        made = step(client, "W", **WANTED)
        moment = client.reply(client.request("take_moment"))["data"]["moment_id"]
        step(client, "W", **WANTED)
        client.request("restore_moment", moment_id=moment)
        epoch = made.header.epoch or 0
        shown = client.frame(lambda frame: frame.header.epoch == epoch + 1)
    assert shown.content.pass_number == 1
    assert world_of(model).drawn == [*ONLY_SMALL, (48, 32, True), *ONLY_SMALL]


def test_the_next_init_without_a_size_has_the_world_drawn_as_its_engine_does() -> None:
    model = drawing()
    with play_server(fake_services(model)) as server, stepped(server) as client:
        start(client, rng_seed=1, **SMALL)
        step(client, **WANTED)
        start(client, rng_seed=1)
        step(client)
        start(client, rng_seed=1, **SMALL)
        step(client, **WANTED)
    assert len(model.engines[0].worlds) == 1
    assert world_of(model).drawn == ONLY_SMALL * 2  # between them, `step` has made its own frames
    assert world_of(model).controls == [NO_CONTROL] * 3


def refused(client: PlayClient, **size: int) -> dict[str, Any]:
    image = b64(picture(200))
    reply = client.reply(
        client.request("init", model="fake/world", config=session_config(), seed_image_data=image, **size)
    )
    assert not reply["success"]
    return reply


def test_an_engine_of_one_size_refuses_others_and_takes_its_own() -> None:
    with play_server() as server, stepped(server) as client:
        reply = refused(client, **SMALL)
        assert (reply["code"], "48x32" in reply["error"]) == ("sizeNotDrawn", True)
        start(client, width=48, height=32)
        step(client)
        assert refused(client, **SMALL)["code"] == "sizeNotDrawn"
        assert step(client).content.pass_number == 2  # the world in play is as it was


def test_a_world_that_goes_on_by_itself_has_no_size_of_its_own() -> None:
    with play_server(fake_services(drawing())) as server, server.client(extended=True) as client:
        reply = refused(client, **SMALL)
        assert (reply["code"], "mode=stepped" in reply["error"]) == ("invalidRequest", True)
        reply = refused(client, width=24)
        assert (reply["code"], "go together" in reply["error"]) == ("invalidRequest", True)


def test_a_step_that_is_drawn_whole_and_one_drawn_small_show_the_same_pass() -> None:
    with play_server(fake_services(drawing())) as server, stepped(server) as client:
        start(client, rng_seed=5)
        whole = np.frombuffer(step(client, "W", codec="rgb", frames="last").jpegs[0], dtype=np.uint8)
        start(client, rng_seed=5, **SMALL)
        client.send("reset")
        small = np.frombuffer(step(client, "W", **WANTED).jpegs[0], dtype=np.uint8)
    assert (small[:57] == whole[:57]).all()  # the row that says what a frame was made from
