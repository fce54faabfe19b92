"""A connection breaks, and its player comes back into the same place: over real sockets, with fake engines."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from access_rules import Owner
from handlers.session import endings
from runtime_config.resume_config import ResumeConfig
from runtime_config.runtime_config import AccessConfig
from services.input_log.lines import SessionStart
from services.world_engine.catalogue import WorldEngineCatalogue
from tests.cancelling import for_each_await
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_input_logs import FakeInputLogs
from tests.fakes.fake_video_writer import FakeVideoWriter
from tests.fakes.fake_world_engine import FakeWorldEngine
from tests.fakes.fake_world_store import FakeWorldStore
from tests.handlers.session.coming_back import (
    LONG_HOLD,
    ask_back,
    back_where,
    broken_off,
    come_back,
    cut,
    left,
    metric,
    next_pass,
    walked,
)
from tests.handlers.session.test_engine_dies import HostedModel
from tests.handlers.session.test_world_files import asked, replayed, save
from tests.play.harness import fake_services, picture, play_server, session_config
from tests.waiting import wait_until
from wire_protocol import TimedInitRequest

if TYPE_CHECKING:
    from pathlib import Path

    from handlers.session.session import Session


def kill(model: HostedModel) -> None:
    """End the engine's process; it has been noticed then."""
    pid = model.engines[0].pid
    model.kill()
    wait_until(lambda: model.engines[0].pid != pid, "the engine is gone")


TOKEN = "correct-horse-battery-staple"


def test_a_lost_connection_leads_back_to_the_same_pass_of_the_same_world() -> None:
    with play_server(limits=LONG_HOLD) as server:
        token = broken_off(server, seed=picture(10, 20, 30))
        with server.client(extended=True) as client:
            data, there = back_where(client, token)
            assert data["resumed"] == {"kept": [], "lost_s": 0.0, "passes": there.pass_number}
            assert data["resume_token"] != token
            assert there.seed_mean == (10, 20, 30)
            assert there.pass_number >= 10
            on = next_pass(client).content
            assert (on.pass_number, on.rng_seed) == (there.pass_number + 1, there.rng_seed)
        assert metric(server, "worlds_resumed") == 1
        assert metric(server, "worlds_expired") == 0


@pytest.mark.trial
def test_a_world_that_is_saved_afterwards_replays_exactly_and_its_ways_back_are_there() -> None:
    store = FakeWorldStore()
    with play_server(fake_services(world_store=store)) as server:
        with walked(server, 70, seed=picture(10)) as (token, client):
            moment = asked(client, "take_moment")["moment_id"]
            client.send("resume")
            client.hold("A", until=lambda frame: frame.content.pass_number >= 130)
        left(server)
        with server.client(extended=True) as client:
            resumed = come_back(client, token)["data"]["resumed"]
            assert resumed["kept"] == [moment]
            client.hold("D", until=lambda frame: frame.content.pass_number >= 200)
            world = store.read(save(client))
            assert world is not None
            assert replayed(world) == list(range(1, len(world.inputs) + 1))
            assert len(world.checks) == len(world.inputs) // 64
            assert asked(client, "rewind", seconds=2)["went_back_s"] >= 2  # to before the connection broke
            assert client.reply(client.request("restore_moment", moment_id=moment))["success"]
            branch = store.read(save(client))
            assert branch is not None
            assert 70 <= branch.place.passes < 130
            assert replayed(branch) == list(range(1, len(branch.inputs) + 1))


def test_who_leaves_on_purpose_leaves_nothing() -> None:
    with play_server() as server:
        with server.client(extended=True) as client:
            token = client.start()["resume_token"]
            client.hold("W")
        left(server)
        with server.client(extended=True) as client:
            answer = come_back(client, token)
            assert (answer["success"], answer["code"]) == (False, "resumeTooLate")
            assert "That world has been closed." in answer["error"]
            assert "resume_token" in client.start()  # the same connection begins another world


def test_a_page_that_is_reloaded_may_come_back() -> None:
    with play_server() as server:
        with server.client(extended=True) as client:
            token = client.start()["resume_token"]
            client.hold("W")
            client.socket.close(1001)
        with server.client(extended=True) as client:
            assert come_back(client, token)["success"]


def test_a_stock_client_hears_nothing_of_it_and_nothing_is_kept() -> None:
    with play_server() as server:
        with server.client() as client:
            assert set(client.start()) == {"model", "inference_fps", "system_info"}
            client.hold("W")
            cut(client)
        left(server)
        assert server.handler.left_worlds.count == 0


def test_a_token_that_was_made_up_or_is_somebody_elses_opens_nothing_and_costs_nothing() -> None:
    with play_server(access=AccessConfig(token=TOKEN, allow_anonymous=True)) as server:
        with server.client(extended=True, token=TOKEN) as owner:
            token = owner.start()["resume_token"]
            owner.hold("W")
            cut(owner)
        wait_until(lambda: server.handler.left_worlds.count == 1, "the owner's world waits")
        with server.client(extended=True) as stranger:
            for guess in ("made-up", token):
                assert come_back(stranger, guess)["code"] == "resumeTooLate"
        with server.client(extended=True, token=TOKEN) as owner:
            assert come_back(owner, token)["success"]


def test_a_connection_that_is_dead_without_the_server_knowing_gives_its_world_up() -> None:
    with play_server(limits=LONG_HOLD) as server, server.client(extended=True, max_queue=None) as before:
        token = before.start()["resume_token"]
        seen = before.hold("W", until=lambda frame: frame.content.pass_number >= 20).content
        with server.client(extended=True) as client:
            _, there = back_where(client, token)
            assert there.pass_number >= seen.pass_number
            assert before.of_type("error")["code"] == "resumedElsewhere"
            assert before.closed() == (1000, "resumedElsewhere")
            assert next_pass(client).content.pass_number == there.pass_number + 1


def test_a_token_leads_back_once_and_again_only_while_its_answer_may_be_lost() -> None:
    with play_server(limits=LONG_HOLD) as server:
        token = broken_off(server)
        with server.client(extended=True) as client:
            assert come_back(client, token)["success"]
            cut(client)  # before it has said anything: perhaps the answer never came
        with server.client(extended=True) as client:
            newer = come_back(client, token)["data"]["resume_token"]
            next_pass(client)
            cut(client)
        left(server)
        with server.client(extended=True) as client:
            assert come_back(client, token)["code"] == "resumeTooLate"
            assert come_back(client, newer)["success"]


def test_of_two_who_come_back_at_once_one_plays_on() -> None:
    with play_server(limits=LONG_HOLD) as server:
        token = broken_off(server)
        with server.client(extended=True) as one, server.client(extended=True) as other:
            for client in (one, other):
                ask_back(client, token)
            wait_until(lambda: len(server.sessions()) == 1, "one of them was ended")
            wait_until(lambda: server.sessions()[0]["state"] == "playing", "the other one plays")
        left(server)


@pytest.mark.trial
def test_wherever_a_pass_is_cut_off_the_world_is_where_its_path_leads() -> None:
    """The session ends so many turns of the event loop after a step."""
    model, store = FakeModel(), FakeWorldStore()
    with play_server(fake_services(model, world_store=store), limits=LONG_HOLD) as server:
        for turns in range(0, 30, 2):
            with server.client(extended=True, max_queue=None) as client:
                token = client.start(cap_inference_fps=False)["resume_token"]
                client.hold("W")
                (engine,), (session,) = model.engines, server.sessions()
                engine.hold()
                engine.wait_until_held()
                server.run(_end_after(turns, engine, server.handler.play.session(session["id"])))
                left(server)
            with server.client(extended=True, max_queue=None) as client:
                _, there = back_where(client, token)
                assert next_pass(client).content.pass_number == there.pass_number + 1
                world = store.read(save(client))
                assert world is not None
                assert replayed(world) == list(range(1, world.place.passes + 1))
            left(server)


async def _end_after(turns: int, engine: FakeWorldEngine, session: Session | None) -> None:
    engine.release()
    for _ in range(turns):
        await asyncio.sleep(0)
    assert session is not None
    session.end(endings.CONNECTION_LOST)


def test_a_way_back_that_is_cancelled_at_whichever_await_leaves_the_world_waiting() -> None:
    model = FakeModel()
    with play_server(fake_services(model), limits=LONG_HOLD) as server:
        token = broken_off(server)
        with server.client(extended=True) as client:
            client.stage("session.waiting_for_seed")
            session_id = server.sessions()[0]["id"]
            request = TimedInitRequest.model_validate(
                {"type": "init", "req_id": "x", "config": session_config(), "resume_token": token}
            )

            async def cancel_everywhere() -> int:
                cancelled = 0
                async for _ in for_each_await(lambda: server.handler.play.perform(Owner(), session_id, request)):
                    cancelled += 1
                    assert server.handler.left_worlds.count == 1
                    assert model.engines[0].open_worlds == 0
                return cancelled

            assert server.run(cancel_everywhere()) >= 2
            assert server.handler.left_worlds.count == 0
            assert next_pass(client).content.pass_number > 10


@pytest.mark.trial
def test_in_a_world_in_play_no_other_one_can_be_gone_on_in() -> None:
    with play_server(limits=LONG_HOLD) as server:
        token = broken_off(server)
        with server.client(extended=True) as client:
            own = client.start()["resume_token"]
            for each in (own, token):
                assert come_back(client, each)["code"] == "invalidRequest"
            client.hold("W")
        with server.client(extended=True) as client:
            assert come_back(client, token)["success"]


def test_whoever_comes_back_after_the_time_is_over_is_told_so() -> None:
    clock = FakeClock()
    with play_server(fake_services(clock=clock), limits=LONG_HOLD, resume=ResumeConfig(keep_s=30)) as server:
        token, later = (broken_off(server) for _ in range(2))
        clock.advance(29.9)
        with server.client(extended=True) as client:
            assert come_back(client, token)["success"]
        clock.advance(0.2)
        with server.client(extended=True) as client:
            assert come_back(client, later)["code"] == "resumeTooLate"
        assert metric(server, "worlds_expired") == 1


def test_nothing_is_kept_and_no_token_given_where_the_time_is_nought() -> None:
    with play_server(resume=ResumeConfig(keep_s=0)) as server:
        with server.client(extended=True) as client:
            assert "resume_token" not in client.start()
            client.hold("W")
            cut(client)
        left(server)
        assert server.handler.left_worlds.count == 0


@pytest.mark.trial
def test_a_newcomer_takes_the_place_and_the_engine_and_the_world_waits_on() -> None:
    model = FakeModel(make_engine=lambda model_id: FakeWorldEngine(model_id, max_worlds=1))
    with play_server(fake_services(model), max_sessions=1, limits=LONG_HOLD) as server:
        token = broken_off(server)
        with server.client(extended=True) as newcomer:
            newcomer.start(picture(90))
            newcomer.hold("W")
            with server.client(extended=True) as client:
                assert client.of_type("error")["code"] == "serverBusy"
        left(server)
        with server.client(extended=True) as client:
            assert come_back(client, token)["success"]


def test_whoever_finds_the_engine_taken_waits_in_line_and_their_world_with_them() -> None:
    model = FakeModel(make_engine=lambda model_id: FakeWorldEngine(model_id, max_worlds=1))
    with play_server(fake_services(model), limits=LONG_HOLD) as server:
        token = broken_off(server)
        with server.client(extended=True) as newcomer:
            newcomer.start(picture(90))
            with server.client(extended=True) as client:
                ask_back(client, token)
                assert client.of_type("progress", step="waiting_for_place")["in_line"] == 1
                cut(client)
            with server.client(extended=True) as client:
                request = ask_back(client, token)
                client.of_type("progress", step="waiting_for_place")
                newcomer.socket.close()
                assert client.reply(request)["success"]


@pytest.mark.trial
def test_many_broken_sessions_leave_a_few_worlds_and_the_newest_are_kept() -> None:
    with play_server(max_sessions=3) as server:
        tokens = [broken_off(server, 1) for _ in range(7)]
        assert server.handler.left_worlds.count == 3
        with server.client(extended=True) as client:
            assert come_back(client, tokens[3])["code"] == "resumeTooLate"
            assert come_back(client, tokens[4])["success"]


@pytest.mark.trial
def test_the_engine_is_gone_when_the_player_comes_back() -> None:
    model = HostedModel()
    services = replace(fake_services(), catalogue=WorldEngineCatalogue([model.entry]))
    with play_server(services, limits=LONG_HOLD) as server:
        token = broken_off(server)
        kill(model)
        with server.client(extended=True) as client:
            data, there = back_where(client, token)
            assert there.pass_number >= 10
            assert data["resumed"]["lost_s"] == 0
            assert next_pass(client).content.pass_number == there.pass_number + 1


@pytest.mark.trial
def test_the_engine_is_lost_in_the_very_moment_in_which_the_player_is() -> None:
    """What is kept then is the newest snapshot, a second old at most, and the answer says how old."""
    model = HostedModel()
    services = replace(fake_services(), catalogue=WorldEngineCatalogue([model.entry]))
    with play_server(services) as server:
        with walked(server, 90, cap_inference_fps=True) as (token, client):
            client.send("pause")
            client.reply(client.request("check_seed_safety", image_data=""))
            kill(model)
        left(server)
        with server.client(extended=True) as client:
            data, there = back_where(client, token)
            assert 0 < data["resumed"]["lost_s"] <= 1.1
            assert next_pass(client).content.pass_number == there.pass_number > 30


@pytest.mark.trial
def test_a_recording_ends_with_the_connection_and_another_one_begins(tmp_path: Path) -> None:
    writer = FakeVideoWriter()
    services = fake_services(video_writer=writer, recordings_dir=tmp_path)
    with play_server(services, limits=LONG_HOLD, data_dir=tmp_path) as server:
        token = broken_off(server, 20, video_recording=True)
        assert len(writer.recordings) == 1
        wait_until(lambda: writer.recordings[0].is_over, "the first one has ended")
        with server.client(extended=True) as client:
            assert come_back(client, token, video_recording=True)["success"]
            assert client.of_type("recording", event="started")
            assert len(writer.recordings) == 2


@pytest.mark.trial
def test_the_log_of_inputs_goes_on_in_another_segment_that_starts_from_the_place() -> None:
    logs = FakeInputLogs()
    with play_server(fake_services(input_logs=logs), limits=LONG_HOLD) as server:
        token = broken_off(server, 20, action_logging=True)
        with server.client(extended=True) as client:
            come_back(client, token, action_logging=True)
            passes = client.hold("D").content.pass_number
        left(server)
    first, second = (log.lines[0] for log in logs.logs)
    assert isinstance(first, SessionStart)
    assert isinstance(second, SessionStart)
    assert first.starts_from is None
    assert second.starts_from is not None
    assert 20 <= second.frame_id < passes


@pytest.mark.trial
def test_a_reset_and_another_picture_work_as_ever_in_a_world_that_was_left() -> None:
    with play_server() as server:
        token = broken_off(server, seed=picture(10))
        with server.client(extended=True) as client:
            assert come_back(client, token)["success"]
            client.send("reset")
            client.hold("W", until=lambda frame: frame.content.pass_number <= 5)
            assert client.reply(client.init(picture(90)))["success"]
            client.hold("W", until=lambda frame: frame.content.seed_mean[0] == 90)


def test_a_stop_of_the_server_drops_what_waits_and_keeps_nothing_any_more() -> None:
    with play_server() as server:
        broken_off(server)
        assert server.handler.left_worlds.count == 1
        server.drain()
        assert server.handler.left_worlds.count == 0
