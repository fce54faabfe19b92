"""Who gets a place, who gives way, and when a place is free again."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from runtime_config.runtime_config import AccessConfig, SessionLimits
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_clock import FakeClock
from tests.play.harness import PlayServer, fake_services, picture, play_server
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

LOCAL = AccessConfig()
TOKEN = "correct-horse-battery-staple"
NO_GRACE = SessionLimits(displace_after_s=0)


def test_one_session_too_many_is_refused_as_busy_while_the_others_play() -> None:
    with play_server(max_sessions=1) as server, server.client() as first:
        first.start()
        with server.client() as second:
            assert second.of_type("error")["message_id"] == "app.server.error.serverBusy"
            assert second.closed()[0] == 1000
        first.hold("W")


def test_a_session_that_sent_no_init_gives_way() -> None:
    with play_server(max_sessions=1, limits=NO_GRACE) as server, server.client() as idle:
        idle.stage("session.waiting_for_seed")
        with server.client() as newcomer:
            newcomer.start()
            error = idle.of_type("error")
            assert (error["message_id"], error["code"]) == ("app.server.error.serverBusy", "displaced")
            assert idle.closed() == (1000, "displaced")
            newcomer.hold("W")


def test_a_session_has_some_seconds_for_its_init() -> None:
    limits = SessionLimits(displace_after_s=3600)
    with play_server(max_sessions=1, limits=limits) as server, server.client() as first:
        first.stage("session.waiting_for_seed")
        with server.client() as newcomer:
            assert newcomer.of_type("error")["code"] == "serverBusy"
        first.start()


def test_a_displaced_session_does_not_take_its_place_back_at_once() -> None:
    with play_server(max_sessions=1, limits=NO_GRACE) as server, server.client() as stuck:
        stuck.stage("session.waiting_for_seed")
        with server.client() as newcomer:
            newcomer.stage("session.waiting_for_seed")
            assert stuck.closed() == (1000, "displaced")
            with server.client() as again:
                assert again.of_type("error")["code"] == "serverBusy"
            newcomer.start()


def test_a_place_that_is_held_without_play_goes_to_a_newcomer_who_needs_it() -> None:
    for extended, pauses in ((False, False), (False, True), (True, False)):
        clock = FakeClock()
        with server_with(clock) as server, server.client(extended=extended) as watching:
            watching.start()
            watching.hold("W")
            if pauses:
                watching.send("pause")
            watching.reply(watching.request("check_seed_safety", image_data=""))
            clock.advance(119)
            refused(server)
            watching.control()  # with nothing pressed: clients send those by themselves
            watching.reply(watching.request("check_seed_safety", image_data=""))
            clock.advance(119)
            refused(server)
            clock.advance(1)
            with server.client() as newcomer:
                newcomer.start()
                told = watching.of_type("error")
                assert (told["message_id"], told["code"]) == ("app.server.error.serverBusy", "displaced")
                assert "2 minutes" in told["message"]
                assert watching.closed() == (1000, "displaced")
                newcomer.hold("W")


def test_who_plays_keeps_the_place_however_long() -> None:
    clock = FakeClock()
    with server_with(clock) as server, server.client() as playing:
        playing.start()
        for _ in range(3):
            playing.hold("W")
            clock.advance(100)
        refused(server)
        playing.hold("W")


def test_while_a_place_is_free_nobody_gives_way() -> None:
    clock = FakeClock()
    with server_with(clock, max_sessions=2) as server, server.client() as idle:
        idle.start()
        clock.advance(3600)
        with server.client() as newcomer:
            newcomer.start()
        idle.hold("W")


def test_the_one_without_play_for_longest_gives_way_and_then_waits() -> None:
    clock = FakeClock()
    with server_with(clock, max_sessions=2) as server, server.client() as first, server.client() as second:
        first.start()
        clock.advance(10)
        second.start()
        clock.advance(3600)
        with server.client() as newcomer:
            newcomer.start()
            assert first.of_type("error")["code"] == "displaced"
            assert first.closed() == (1000, "displaced")
            refused(server)  # the same address has just had to give way
            second.hold("W")
            clock.advance(3600)
            newcomer.hold("W")
            with server.client() as again:
                again.start()
                assert second.of_type("error")["code"] == "displaced"


def test_the_owner_gives_way_to_the_owner_alone() -> None:
    clock = FakeClock()
    access = AccessConfig(token=TOKEN, allow_anonymous=True)
    for limits in (None, NO_GRACE):
        with server_with(clock, access=access, limits=limits) as server, server.client(token=TOKEN) as owner:
            owner.stage("session.waiting_for_seed")
            if limits is None:
                owner.start()
                clock.advance(3600)
            refused(server)
            with server.client(token=TOKEN) as newcomer:
                newcomer.start()
                assert owner.of_type("error")["code"] == "displaced"


def test_a_stranger_gives_way_to_a_stranger() -> None:
    clock = FakeClock()
    access = AccessConfig(token=TOKEN, allow_anonymous=True)
    with server_with(clock, access=access) as server, server.client() as idle:
        idle.start()
        clock.advance(3600)
        with server.client() as newcomer:
            newcomer.start()
            assert idle.of_type("error")["code"] == "displaced"


def server_with(
    clock: FakeClock,
    *,
    max_sessions: int = 1,
    limits: SessionLimits | None = None,
    access: AccessConfig = LOCAL,
) -> AbstractContextManager[PlayServer]:
    services = replace(fake_services(), clock=clock)
    return play_server(services, limits=limits, max_sessions=max_sessions, access=access)


def refused(server: PlayServer) -> None:
    with server.client() as newcomer:
        assert newcomer.of_type("error")["code"] == "serverBusy"


def test_a_stock_client_has_time_to_show_an_error_before_the_connection_closes() -> None:
    """It forgets an error that is followed at once by the close."""
    limits = SessionLimits(error_linger_s=3600, displace_after_s=3600)
    with play_server(max_sessions=1, limits=limits) as server, server.client() as first:
        refused = server.client(query="protocol_version=4")
        with refused as old:
            assert old.of_type("error")["code"] == "protocolVersionMismatch"
            assert old.socket.ping().wait(deadline_s()), "the connection is still open"
        reply = first.reply(first.init(picture(1), model="no/such"))
        assert first.of_type("error")["code"] == reply["code"] == "unknownModel"
        assert first.socket.ping().wait(deadline_s())
        late = first.request("check_seed_safety", image_data="")
        first.socket.close()
        wait_until(lambda: not server.sessions(), "it ends as soon as the client has gone")
        assert late


def test_the_page_is_told_and_closed_without_a_wait() -> None:
    limits = SessionLimits(error_linger_s=3600)
    with play_server(limits=limits) as server, server.client(extended=True) as client:
        client.init(picture(1), model="no/such")
        assert client.of_type("error")["code"] == "unknownModel"
        assert client.closed() == (1000, "unknownModel")


def test_the_place_of_a_client_that_left_is_free_for_the_very_next_one() -> None:
    with play_server(max_sessions=1) as server:
        for _ in range(5):
            with server.client() as client:
                client.start()
                client.hold("W")


def test_a_newcomer_waits_for_a_session_that_is_ending() -> None:
    model = FakeModel()
    with play_server(fake_services(model), max_sessions=1) as server:
        with server.client() as leaving:
            leaving.start()
            engine = model.engines[0]
            engine.hold()
            leaving.control("W")
            engine.wait_until_held()
        wait_until(lambda: server.sessions()[0]["state"] == "ended", "the session ended, its loop not yet joined")
        with server.client() as newcomer:
            engine.release()
            newcomer.start()


def test_several_sessions_play_side_by_side_each_with_its_own_model() -> None:
    one, two = FakeModel("fake/one"), FakeModel("fake/two")
    with play_server(fake_services(one, two)) as server, server.client() as a, server.client() as b:
        a.start(model="fake/one")
        b.start(model="fake/two")
        a.hold("W")
        b.hold("A")
        assert {session["model"] for session in server.sessions()} == {"fake/one", "fake/two"}
        assert one.engines[0].open_worlds == two.engines[0].open_worlds == 1


def test_an_engine_that_holds_fewer_worlds_says_so() -> None:
    from tests.fakes.fake_world_engine import FakeWorldEngine

    model = FakeModel(make_engine=lambda model_id: FakeWorldEngine(model_id, max_worlds=1))
    with play_server(fake_services(model)) as server, server.client() as first, server.client() as second:
        first.start()
        reply = second.reply(second.init(b"not looked at"))
        assert (reply["error_id"], reply["code"]) == ("app.server.error.serverBusy", "modelBusy")
        assert second.of_type("error")["message_id"] == "app.server.error.serverBusy"
        assert second.closed()[0] == 1000
        first.hold("W")


def test_a_client_that_can_show_it_waits_in_line_for_an_engine_without_room() -> None:
    from tests.fakes.fake_world_engine import FakeWorldEngine

    model = FakeModel(make_engine=lambda model_id: FakeWorldEngine(model_id, max_worlds=1))
    with play_server(fake_services(model)) as server, server.client(extended=True) as second:
        with server.client() as first:
            first.start()
            req_id = second.init(picture(2))
            assert second.of_type("progress", step="waiting_for_place")["in_line"] == 1
            first.hold("W")
        assert second.reply(req_id)["success"]
        second.hold("W")


def test_sessions_are_listed_with_who_plays_what_since_when() -> None:
    with play_server() as server:
        with server.client() as client:
            before = time.time()
            client.start()
            client.hold("W")
            client.hold("W")
            wait_until(lambda: server.sessions()[0]["receipt_to_send_ms"]["p95"] is not None, "a latency was measured")
            (session,) = server.sessions()
            assert (session["state"], session["model"], session["client"]) == ("playing", "fake/world", "stock")
            assert session["remote"] == "127.0.0.1"
            assert before - 60 < session["opened_at"] <= session["playing_since"] <= time.time()
            assert session["frames_sent"] > 0
        wait_until(lambda: not server.sessions(), "the session is gone")
