"""Worlds saved out of play and opened again, moments branched from, rewinding, and input logs: over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from replay.plan import ReplayPlan
from replay.player import Replay
from runtime_config.runtime_config import SessionLimits
from services.image_classifier.image_classifier import ClassifierReady
from services.input_log.lines import FrameInput, SessionEnd, SessionStart, WorldChanged, WorldReset, WorldRestored
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_image_classifier import FakeImageClassifier
from tests.fakes.fake_input_logs import FakeInputLog, FakeInputLogs
from tests.fakes.fake_world_engine import FakeWorldEngine, read_frame
from tests.fakes.fake_world_store import FakeWorldStore
from tests.handlers.session.authoring_studio import is_green, studio
from tests.play.harness import Frame, Json, PlayClient, PlayServer, fake_services, picture, play_server, session_config

if TYPE_CHECKING:
    from services.world_files.world_file import WorldFilePayload

W = 0x57


def walk(client: PlayClient, passes: int, *buttons: str) -> Frame:
    """Play on until the world is at its `passes`th pass."""
    return client.hold(*buttons, until=lambda frame: frame.content.pass_number >= passes)


def asked(client: PlayClient, kind: str, **fields: Any) -> Json:
    """Pause, so that the world stands still, and ask."""
    client.send("pause")
    reply = client.reply(client.request(kind, **fields))
    assert reply["success"], reply
    return reply["data"]


def save(client: PlayClient, **fields: Any) -> str:
    return asked(client, "save_world", **fields)["world_id"]


def open_saved(client: PlayClient, world_id: str) -> Json:
    return client.reply(client.request("init", model="fake/world", config=session_config(), world_id=world_id))


def replayed(world: WorldFilePayload) -> list[int]:
    """The numbers of all passes that a replay makes; it must come out the same."""
    plan = plan_of(world)
    replay, engine = Replay(plan), FakeWorldEngine(fps=plan.model.fps)
    numbers = [read_frame(replayed.frames[0]).pass_number for replayed in replay.passes(engine)]
    assert replay.findings.is_exact
    assert replay.findings.same_state
    return numbers


def plan_of(world: WorldFilePayload) -> ReplayPlan:
    return ReplayPlan(
        title=world.title,
        model=world.model,
        rng_seed=world.rng_seed,
        seed=world.seed.picture,
        base=world.base,
        place=world.place,
        place_picture=world.place_picture,
        inputs=world.inputs,
        changes=world.changes,
        checks=world.checks,
        pictures=world.pictures,
        made_with=world.made_with,
        tolerance=world.tolerance,
    )


def test_a_saved_world_replays_exactly() -> None:
    store = FakeWorldStore()
    with play_server(fake_services(world_store=store)) as server, server.client(extended=True) as client:
        client.start(picture(10, 20, 30))
        walk(client, 40, "W")
        walk(client, 80, "A", "SHIFT")
        data = asked(client, "save_world", title="  Two\n walks ")
        assert data["title"] == "Two walks"
        world = store.read(data["world_id"])
    assert world is not None
    assert world.place.passes == len(world.inputs) >= 80
    assert world.inputs[0].control.buttons == frozenset({W})
    assert len(world.checks) == len(world.inputs) // 64
    assert replayed(world) == list(range(1, len(world.inputs) + 1))


def test_opening_a_world_goes_on_where_it_was_saved() -> None:
    store = FakeWorldStore()
    services = fake_services(world_store=store)
    with play_server(services) as server:
        with server.client(extended=True) as client:
            client.start(picture(10, 20, 30), cap_inference_fps=False)
            walk(client, 70, "W")
            world_id = save(client)
        with server.client(extended=True) as client:
            world = store.read(world_id)
            assert world is not None
            assert open_saved(client, world_id)["data"]["model"] == "fake/world"
            shown = client.frame()
            assert shown.content.pass_number == world.place.passes
            played = client.hold("D")
            first = played.content
            assert (first.pass_number, first.seed_mean) == (world.place.passes + 1, (10, 20, 30))
            assert first.rng_seed == world.rng_seed
            walk(client, world.place.passes + 5, "D")
            again = store.read(save(client))
            assert again is not None
            assert list(again.inputs)[: len(world.inputs)] == list(world.inputs)
            assert again.checks[: len(world.checks)] == world.checks
            assert len(again.checks) == len(again.inputs) // 64
            assert replayed(again) == list(range(1, len(again.inputs) + 1))
            client.send("reset")
            client.send("resume")
            over = client.hold("W", until=lambda frame: frame.header.epoch != played.header.epoch)
            assert over.content.pass_number < len(again.inputs)


def test_opening_in_mid_play_replaces_the_world_and_a_later_init_leaves_it() -> None:
    store = FakeWorldStore()
    with play_server(fake_services(world_store=store)) as server, server.client(extended=True) as client:
        client.start(picture(10))
        walk(client, 10, "W")
        world_id = save(client)
        client.reply(client.init(picture(90)))
        client.send("resume")
        client.hold("W", until=lambda frame: frame.content.seed_mean[0] == 90)
        assert open_saved(client, world_id)["success"]
        assert client.reply(client.init())["success"]
        client.send("resume")
        frame = client.hold("W", until=lambda frame: frame.content.seed_mean[0] == 10)
        assert frame.content.pass_number > 10


def test_a_branch_is_the_kept_moment_not_the_present() -> None:
    store = FakeWorldStore()
    with play_server(fake_services(world_store=store)) as server, server.client(extended=True) as client:
        client.start()
        walk(client, 10, "W")
        moment = asked(client, "take_moment")["moment_id"]
        client.send("resume")
        walk(client, 40, "A")
        branch = store.read(save(client, moment_id=moment))
        assert branch is not None
        assert 10 <= branch.place.passes < 40
        assert replayed(branch)[-1] == branch.place.passes
        assert asked(client, "restore_moment", moment_id=moment)["kept"] == [moment]
        client.send("resume")
        walk(client, branch.place.passes + 5, "D")
        turned = store.read(save(client))
    assert turned is not None
    assert list(turned.inputs)[: branch.place.passes] == list(branch.inputs)
    assert turned.inputs[branch.place.passes].control.buttons == frozenset({0x44})
    replayed(turned)


def test_rewinding_goes_back_in_the_worlds_own_time_and_is_no_part_of_what_led_here() -> None:
    store = FakeWorldStore()
    model = FakeModel(make_engine=lambda name: FakeWorldEngine(name, fps=4))  # a pass of two frames is half a second
    services = fake_services(model, world_store=store)
    with play_server(services) as server, server.client(extended=True) as client:
        refused = client.request("rewind", seconds=5)
        assert client.reply(refused)["code"] == "notReady"
        client.start(cap_inference_fps=False)
        assert client.reply(client.request("rewind", seconds=5))["code"] == "nothingToRewind"
        walk(client, 50, "W")
        before = store.read(save(client))
        assert before is not None
        data = asked(client, "rewind", seconds=5)
        assert 5 <= data["went_back_s"] <= 6
        assert data["left_s"] > 15
        client.send("resume")
        frame = client.hold("D").content
        place = before.place.passes - data["went_back_s"] * 2
        assert place < frame.pass_number <= place + 3
        after = store.read(save(client))
    assert after is not None
    assert list(after.inputs)[: int(place)] == list(before.inputs)[: int(place)]
    replayed(after)


def test_a_long_world_is_saved_from_a_checkpoint_on() -> None:
    store = FakeWorldStore()
    limits = SessionLimits(journal_passes=40)
    with play_server(fake_services(world_store=store), limits=limits) as server, server.client(extended=True) as client:
        client.start(cap_inference_fps=False)
        walk(client, 150, "W")
        world = store.read(save(client))
        assert world is not None
        assert world.base is not None
        assert len(world.inputs) <= 60
        assert replayed(world)[-1] == world.place.passes >= 150
        with server.client(extended=True) as other:
            open_saved(other, save(client))
            assert other.hold("W").content.pass_number > 150


def test_an_engine_that_fails_begins_a_new_path() -> None:
    store, model = FakeWorldStore(), FakeModel()
    with play_server(fake_services(model, world_store=store)) as server, server.client(extended=True) as client:
        client.start()
        walk(client, 10, "W")
        model.engines[0].fail_next(1)
        client.stage("session.reset")
        walk(client, 5, "W")
        world = store.read(save(client))
    assert world is not None
    assert len(world.inputs) < 30
    replayed(world)


def test_another_picture_in_mid_world_is_replayed_and_undone_by_a_return() -> None:
    store = FakeWorldStore()
    with studio(world_store=store) as at, at.server.client(extended=True) as client:
        client.start(picture(10), scene_authoring=True)
        walk(client, 5, "W")
        moment = asked(client, "take_moment")["moment_id"]
        asked(client, "scene_edit", prompt="a meadow")
        client.send("resume")
        client.hold("W", until=is_green)
        world = store.read(save(client))
        assert world is not None
        assert len(world.changes) == 1
        replayed(world)
        asked(client, "restore_moment", moment_id=moment)
        client.send("resume")
        client.hold("W", until=lambda frame: frame.content.seed_mean[0] == 10)
        back = store.read(save(client))
    assert back is not None
    assert back.changes == ()
    replayed(back)


# -------------------------------------------------------------------------------------------------- refusals


def test_what_cannot_be_opened_is_refused_with_its_reason() -> None:
    store = FakeWorldStore()
    other = FakeModel(make_engine=lambda name: FakeWorldEngine(name, weights_hash="beef"))
    with play_server(fake_services(world_store=store)) as server, server.client(extended=True) as client:
        client.start()
        walk(client, 3, "W")
        world_id = save(client)
        reply = client.reply(client.request("save_world", moment_id="99"))
        assert reply["code"] == "momentUnknown"
        store.is_full = True
        assert client.reply(client.request("save_world"))["code"] == "worldNotKept"
    with play_server(fake_services(other, world_store=store)) as server, server.client(extended=True) as client:
        assert open_saved(client, "0" * 16)["code"] == "worldUnknown"
        assert open_saved(client, world_id)["code"] == "worldOtherModel"
        assert client.start()["model"] == "fake/world"  # the session goes on


def test_pictures_in_worlds_pass_the_safety_door_when_opened() -> None:
    store = FakeWorldStore()
    with play_server(fake_services(world_store=store)) as server, server.client(extended=True) as client:
        client.start()
        walk(client, 3, "W")
        world_id = save(client)
    strict = FakeImageClassifier(lambda _: False, status=ClassifierReady("x-1"))
    services = fake_services(world_store=store, classifier=strict)
    with play_server(services) as server, server.client(extended=True) as client:
        assert open_saved(client, world_id)["code"] == "seedUnsafe"


def test_frames_that_were_played_here_are_not_judged_when_a_world_is_opened() -> None:
    store = FakeWorldStore()
    strict = FakeImageClassifier(lambda seen: bool((seen == seen[0, 0]).all()), status=ClassifierReady("x-1"))
    services = fake_services(world_store=store, classifier=strict)
    with play_server(services) as server:
        with server.client(extended=True) as client:
            client.start(picture(10, 20, 30))
            walk(client, 3, "W")
            world_id = save(client)
        world = store.read(world_id)
        assert world is not None
        assert world.place_picture is not None
        assert not strict.judge(world.pictures[world.place_picture]).is_safe
        with server.client(extended=True) as client:
            assert open_saved(client, world_id)["data"]["model"] == "fake/world"
            assert client.frame().content.pass_number == world.place.passes


# ------------------------------------------------------------------------------------------------ input logs


def kinds(log: FakeInputLog) -> list[type]:
    found: list[type] = []
    for line in log.lines:
        if not found or found[-1] is not type(line):
            found.append(type(line))
    return found


@pytest.fixture(name="logs")
def fixture_logs() -> FakeInputLogs:
    return FakeInputLogs()


def _whole(logs: FakeInputLogs) -> list[FakeInputLog]:
    return [log for log in logs.logs if any(isinstance(line, FrameInput) for line in log.lines)]


def test_a_stock_client_gets_a_log_for_each_segment(logs: FakeInputLogs) -> None:
    with play_server(fake_services(input_logs=logs)) as server:
        _log_three_segments(server)
        first, second, third = _whole(logs)[:3]
    start = first.lines[0]
    assert isinstance(start, SessionStart)
    assert (start.model, start.n_frames, start.seed_target_size, start.frame_id) == ("fake/world", 2, (32, 48), 0)
    assert start.starts_from is None
    assert kinds(first)[:3] == [SessionStart, FrameInput, SessionEnd]
    resumed = second.lines[0]
    assert isinstance(resumed, SessionStart)
    assert resumed.starts_from is not None
    assert resumed.frame_id == first.lines[-1].frame_id
    assert (len(second.snapshots), kinds(second)) == (1, [SessionStart, FrameInput, WorldReset, SessionEnd])
    again = third.lines[0]
    assert isinstance(again, SessionStart)
    assert (again.starts_from, again.frame_id) == (None, 0)
    assert all(log.has_ended for log in logs.logs)
    numbers = [line.frame_id for line in first.lines if isinstance(line, FrameInput)]
    assert numbers == list(range(1, len(numbers) + 1))


def _log_three_segments(server: PlayServer) -> None:
    with server.client() as client:
        client.start(action_logging=True)
        client.hold("W", until=lambda frame: frame.content.pass_number >= 5)
        client.send("pause")
        client.reply(client.request("check_seed_safety", image_data="x"))
        client.send("resume")
        client.hold("W", until=lambda frame: frame.content.pass_number >= 15)
        client.start_over()


def test_turns_are_logged_with_their_pass(logs: FakeInputLogs) -> None:
    with play_server(fake_services(input_logs=logs)) as server, server.client(extended=True) as client:
        client.start(action_logging=True)
        walk(client, 5, "W")
        client.reply(client.request("take_moment"))
        walk(client, 10, "W")
        client.reply(client.request("restore_moment", moment_id="1"))
        client.hold("W")
        client.reply(client.init(picture(90), action_logging=True))
        client.hold("W", until=lambda frame: frame.content.seed_mean[0] == 90)
    turns = [line for log in logs.logs for line in log.lines if isinstance(line, WorldRestored | WorldChanged)]
    restored, changed = turns
    assert isinstance(restored, WorldRestored)
    assert 5 <= restored.to < restored.frame_id
    assert isinstance(changed, WorldChanged)


def test_without_action_logging_nothing_is_logged(logs: FakeInputLogs) -> None:
    with play_server(fake_services(input_logs=logs)) as server, server.client() as client:
        client.start()
        client.hold("W", until=lambda frame: frame.content.pass_number >= 5)
        client.reply(client.init(action_logging=True))
        client.hold("W", until=lambda frame: frame.content.pass_number >= 10)
        client.reply(client.init(action_logging=False))
        client.hold("W", until=lambda frame: frame.content.pass_number >= 20)
    (log,) = logs.logs
    assert isinstance(log.lines[0], SessionStart)
    assert log.lines[0].frame_id >= 5
    assert log.lines[0].starts_from is not None
