"""A session that others watch by its link: what they see, what they may do, and how it ends."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from runtime_config.runtime_config import AccessConfig, SessionLimits
from runtime_config.sharing_config import SharingConfig
from tests.fakes.fake_catalogue import FakeModel
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_video_encoder import FakeVideoEncoder, read_fake_unit
from tests.play.harness import PlayClient, fake_services, picture, play_server
from tests.waiting import deadline_s, wait_until
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import httpx

    from tests.play.harness import Frame, Json, PlayServer

_AWAKE = SessionLimits(control_hold_s=3600)  # one control plays for the whole test
_TOKEN = "a-token-of-sixteen"


@contextmanager
def playing(server: PlayServer, **client: Any) -> Generator[tuple[PlayClient, str]]:
    """A player in a world, and the link to watch it."""
    with server.client(extended=True, **client) as player:
        player.start()
        yield player, share(player)["link"]


def share(player: PlayClient) -> Json:
    return done(player, "share")


def done(player: PlayClient, kind: str, **fields: Any) -> Json:
    reply = player.reply(player.request(kind, **fields))
    assert reply["success"], reply
    return reply["data"]


@contextmanager
def watching(server: PlayServer, link: str, *, video: bool = False, max_queue: int = 16) -> Generator[PlayClient]:
    url = f"ws://127.0.0.1:{server.server.port}/watch?link={link}{'&video=h264' if video else ''}"
    with connect(url, compression=None, max_size=None, max_queue=max_queue, open_timeout=deadline_s()) as socket:
        yield PlayClient(socket, extended=True)


def denied(server: PlayServer, link: str) -> int:
    """The status with which the handshake is refused."""
    with pytest.raises(InvalidStatus) as refused, watching(server, link):
        pass
    return refused.value.response.status_code


def looked(server: PlayServer, link: str) -> httpx.Response:
    return server.http.get("/api/watch", params={"link": link})


def asking(player: PlayClient) -> int:
    """The number of the guest who asks for the controls."""
    return int(player.until(lambda m: m["type"] == "sharing" and "asking" in m)["asking"])


def lend(player: PlayClient, guest: PlayClient) -> int:
    guest.send("ask_controls")
    number = asking(player)
    assert done(player, "answer_guest", guest=number, granted=True)["guest"] == number
    guest.of_type("watching", controls="yours", answer="granted")
    return number


def presses(key: str) -> Callable[[Frame], bool]:
    return lambda frame: KEY_CODES[key] in frame.content.buttons


# ------------------------------------------------------------------------------------------------------------- frames


def test_whoever_has_the_link_sees_the_picture_at_once_and_then_the_very_frames_of_the_player() -> None:
    with play_server(limits=_AWAKE) as server, playing(server) as (player, link), watching(server, link) as guest:
        told = {"type": "watching", "number": 1, "watchers": 1, "state": "playing", "controls": "free"}
        assert guest.of_type("watching") == told
        assert len(guest.frame().jpegs) == 1
        player.control("W")
        seen = guest.played_frame()
        same = player.played_frame(lambda frame: frame.header.frame_id == seen.header.frame_id)
        assert (seen.header, seen.jpegs) == (same.header, same.jpegs)
        assert server.sessions()[0]["watchers"] == 1


def test_who_asks_for_h264_gets_one_stream_from_a_key_frame_on_beside_a_player_with_jpegs() -> None:
    with (
        play_server(limits=_AWAKE) as server,
        playing(server) as (player, link),
        watching(server, link, video=True) as guest,
    ):
        player.control("W")
        first = guest.frame(lambda frame: frame.header.codec == "h264")
        assert first.header.key_frame
        numbers = [read_fake_unit(unit).number for unit in first.jpegs]
        for _ in range(4):
            numbers += [read_fake_unit(unit).number for unit in guest.played_frame().jpegs]
        assert numbers[0] == 0
        assert player.played_frame().header.codec is None


def test_a_player_with_h264_and_those_who_watch_share_one_stream() -> None:
    encoder = FakeVideoEncoder()
    query = "protocol_version=5&client=terrarium&video=h264"
    with (
        play_server(fake_services(video_encoder=encoder), limits=_AWAKE) as server,
        server.client(query=query) as client,
    ):
        player = PlayClient(client.socket, extended=True)
        player.start()
        with watching(server, share(player)["link"], video=True) as guest:
            player.control("W")
            seen = guest.frame(lambda frame: frame.header.codec == "h264")
            assert seen.header.key_frame
            same = player.played_frame(lambda frame: frame.header.frame_id == seen.header.frame_id)
            assert same.jpegs == seen.jpegs
            assert len(encoder.streams) == 1
            assert guest.reply(guest.request("video", codec="jpeg"))["data"] == {"codec": "jpeg"}
            assert guest.played_frame(lambda frame: frame.header.codec is None).header.quality is not None


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_another_world_and_a_pause_are_seen_by_those_who_watch(codec: str) -> None:
    with (
        play_server(limits=_AWAKE) as server,
        playing(server) as (player, link),
        watching(server, link, video=codec == "h264") as guest,
    ):
        player.control("W")
        epoch = guest.played_frame().header.epoch
        assert player.reply(player.init(picture(0, 90)))["success"]
        player.control("W")
        shown = guest.played_frame(lambda frame: frame.header.epoch != epoch)
        assert shown.content.seed_mean == (0, 90, 0)
        player.send("pause")
        guest.of_type("watching", state="paused")
        player.send("resume")
        guest.of_type("watching", state="playing")


def test_whoever_was_slow_sees_the_last_view_when_the_world_rests() -> None:
    model = FakeModel()
    with (
        play_server(fake_services(model), limits=_AWAKE) as server,
        playing(server) as (player, link),
        watching(server, link, video=True) as guest,
    ):
        player.control("W")
        frame = guest.frame(lambda frame: frame.header.codec == "h264")
        guest.send("frame_ack", frame_id=frame.header.frame_id, epoch=frame.header.epoch)
        world = model.engines[0].worlds[0]
        reached = world.pass_number
        wait_until(lambda: world.pass_number > reached + 8, "the world plays on")
        player.send("pause")
        assert not player.reply(player.request("scene_edit", prompt=""))["success"]  # the pause was received
        while frame.content.pass_number != world.pass_number:
            guest.send("frame_ack", frame_id=1 << 30, epoch=frame.header.epoch)
            frame = guest.played_frame()
        assert frame.header.codec == "h264"


def test_who_never_reads_is_closed_and_the_player_goes_on() -> None:
    limits = SessionLimits(control_hold_s=3600, watcher_patience_s=0.2)
    with play_server(limits=limits) as server, playing(server) as (player, link):
        with watching(server, link, max_queue=1) as guest:
            player.control("W")
            player.played_frame()
            wait_until(lambda: server.sessions()[0]["watchers"] == 0, "who does not read is out")
            assert guest.closed() == (1008, "clientTooSlow")
        player.played_frame()


# -------------------------------------------------------------------------------------------------------------- links


def test_a_link_that_was_made_up_withdrawn_or_is_over_opens_nothing() -> None:
    clock = FakeClock()
    with play_server(fake_services(clock=clock)) as server, playing(server) as (player, link):
        assert looked(server, link).json() == {"state": "playing", "watchers": 0}
        for wrong in (link[:-2] + ("AA" if link[-2:] != "AA" else "BB"), "", "ä" * 40, "A" * 43):
            assert looked(server, wrong).status_code == 404
            assert denied(server, wrong) == 404
        done(player, "stop_sharing")
        assert looked(server, link).json()["code"] == "linkUnknown"
        assert denied(server, link) == 404
        again = share(player)["link"]
        assert (looked(server, again).status_code, looked(server, link).status_code) == (200, 404)
        clock.advance(24 * 3600 + 1)
        assert (looked(server, again).status_code, denied(server, again)) == (404, 404)


def test_who_guesses_is_held_up_and_who_has_the_link_is_not() -> None:
    with play_server(fake_services(clock=FakeClock())) as server, playing(server) as (_, link):
        statuses = [looked(server, f"guess-{number}").status_code for number in range(25)]
        assert statuses == [404] * 20 + [429] * 5
        assert looked(server, "guess").headers["Retry-After"] == "1"
        assert denied(server, "guess") == 429
        assert looked(server, link).status_code == 200
        with watching(server, link) as guest:
            guest.frame()


def test_the_link_opens_what_it_is_for_and_nothing_else_where_a_token_is_asked_for() -> None:
    with play_server(access=AccessConfig(token=_TOKEN)) as server, playing(server, token=_TOKEN) as (_, link):
        assert looked(server, link).status_code == 200
        with watching(server, link) as guest:
            guest.frame()
        for path in ("/api/sessions", "/api/seeds", "/api/system-info", "/", f"/api/seeds?link={link}"):
            assert server.http.get(path).status_code == 401, path


def test_withdrawing_the_link_ends_those_who_watch_with_a_sentence() -> None:
    with play_server() as server, playing(server) as (player, link), watching(server, link) as guest:
        guest.frame()
        assert done(player, "stop_sharing") == {"watchers": 0, "guests": []}
        assert guest.of_type("error")["message"] == "The player does not share this session any more."
        assert guest.closed() == (1000, "sharingEnded")


def test_the_end_of_the_session_ends_those_who_watch_with_a_sentence() -> None:
    with play_server() as server:
        with playing(server) as (player, link), watching(server, link) as guest:
            guest.frame()
            player.socket.close()
            assert guest.of_type("error")["message"] == "The session that you watched has ended."
            assert guest.closed() == (1000, "sharingEnded")
        wait_until(lambda: looked(server, link).status_code == 404, "the link opens nothing any more")


def test_more_than_may_are_refused_with_the_number() -> None:
    for sharing, told in (
        (SharingConfig(max_watchers=1), "At most 1 can watch this session at a time."),
        (SharingConfig(max_watchers_in_all=1), "At most 1 can watch on this server at a time."),
    ):
        with play_server(sharing=sharing) as server, playing(server) as (_, link), watching(server, link) as first:
            first.frame()
            with watching(server, link) as second:
                assert second.of_type("error")["message"].startswith(told)
                assert second.closed() == (1000, "tooManyWatchers")


def test_sharing_can_be_switched_off() -> None:
    with play_server(sharing=SharingConfig(max_watchers=0)) as server, server.client(extended=True) as player:
        player.start()
        assert player.reply(player.request("share"))["code"] == "sharingOff"


# ----------------------------------------------------------------------------------------------------------- controls


def test_who_watches_and_sends_controls_is_told_no_and_is_closed_in_the_end() -> None:
    with play_server(limits=_AWAKE) as server, playing(server) as (player, link), watching(server, link) as guest:
        guest.frame()
        with suppress(ConnectionClosed):  # it is closed while they are sent
            for _ in range(60):
                guest.control("S")
        refusals = [m for m in guest.messages() if m["type"] == "error"]
        assert [m["code"] for m in refusals] == ["watchOnly", "watchOnly"]
        assert (guest.socket.close_code, guest.socket.close_reason) == (1008, "watchOnly")
        player.control("W")
        assert not presses("S")(player.played_frame())


def test_who_is_sent_away_watches_no_longer_and_comes_back_after_a_while_or_by_a_new_link() -> None:
    clock = FakeClock()
    with play_server(fake_services(clock=clock), limits=_AWAKE) as server, playing(server) as (player, link):
        with watching(server, link) as guest, watching(server, link) as other:
            number = guest.of_type("watching")["number"]
            others = other.of_type("watching")["number"]
            lend(player, guest)
            told = done(player, "send_away", guest=number)
            assert (told["watchers"], told["guests"], "guest" in told) == (1, [others], False)
            assert guest.of_type("error")["code"] == "sentAway"
            assert guest.closed() == (1000, "sentAway")
            player.control("A")
            player.played_frame(presses("A"))
            refused = player.reply(player.request("send_away", guest=number))
            assert (refused["success"], refused["code"]) == (False, "guestUnknown")
            with watching(server, link) as again:
                assert again.of_type("error")["code"] == "sentAway"
            assert other.of_type("watching", watchers=1)["controls"] == "free"
            clock.advance(600)
            with watching(server, link) as again:
                number = again.of_type("watching")["number"]
                done(player, "send_away", guest=number)
        done(player, "stop_sharing")
        with watching(server, share(player)["link"]) as again:
            assert again.of_type("watching")["watchers"] == 1


def test_who_watches_is_listed_and_sent_away_by_rest_too_for_the_player_alone() -> None:
    with (
        play_server(limits=_AWAKE, access=AccessConfig(token=_TOKEN, allow_anonymous=True)) as server,
        playing(server, token=_TOKEN) as (_, link),
        watching(server, link) as guest,
    ):
        number = guest.of_type("watching")["number"]
        mine = {"Authorization": f"Bearer {_TOKEN}"}
        (summary,) = server.http.get("/api/sessions", headers=mine).json()["sessions"]
        path = f"/api/sessions/{summary['id']}/guests"
        assert server.http.get(path, headers=mine).json() == {"guests": [number], "asking": None, "playing": None}
        assert server.http.get(path).status_code == 403
        assert server.http.delete(f"{path}/{number}").status_code == 403
        assert server.http.delete(f"{path}/99", headers=mine).json()["code"] == "guestUnknown"
        assert server.http.delete(f"{path}/{number}", headers=mine).status_code == 204
        assert guest.of_type("error")["code"] == "sentAway"
        assert server.http.get(path, headers=mine).json()["guests"] == []


def test_nothing_long_is_read_from_whoever_watches() -> None:
    with play_server() as server, playing(server) as (player, link):
        with watching(server, link) as guest:
            guest.of_type("watching")
            guest.socket.send("x" * 16 * 1024)
            assert guest.of_type("error")["code"] == "watchOnly"
            guest.socket.send("x" * (16 * 1024 + 1))
            assert guest.closed()[0] == 1009
        player.hold("W")


@pytest.mark.parametrize("message", ['{"type": "reset"}', '{"type": "init", "req_id": "1"}', "no json", "[" * 5000])
def test_whoever_watches_may_say_nothing_else(message: str) -> None:
    with play_server() as server, playing(server) as (_, link), watching(server, link) as guest:
        guest.socket.send(message)
        assert guest.of_type("error")["code"] == "watchOnly"


def test_a_guest_to_whom_the_controls_are_lent_plays_and_the_player_watches() -> None:
    with play_server(limits=_AWAKE) as server, playing(server) as (player, link), watching(server, link) as guest:
        lend(player, guest)
        player.control("A")
        guest.control("D")
        driven = guest.played_frame(presses("D"))
        assert not presses("A")(driven)
        assert driven.header.client_ts == 0
        assert done(player, "take_controls").get("guest") is None
        guest.of_type("watching", controls="free", answer="taken_back")
        guest.control("D")  # it was underway
        player.control("A")
        assert not presses("D")(player.played_frame(presses("A")))
        lend(player, guest)
        guest.send("return_controls")
        player.until(lambda m: m["type"] == "sharing" and "guest" not in m)


def test_a_guest_who_vanishes_gives_the_controls_back() -> None:
    with play_server(limits=_AWAKE) as server, playing(server) as (player, link):
        with watching(server, link) as guest:
            lend(player, guest)
            guest.control("D")
            guest.played_frame(presses("D"))
        player.of_type("sharing", watchers=0)
        player.control("A")
        assert not presses("D")(player.played_frame(presses("A")))


def test_of_two_who_ask_the_first_is_heard_and_a_grant_after_they_left_is_refused() -> None:
    with play_server() as server, playing(server) as (player, link), watching(server, link) as second:
        with watching(server, link) as first:
            first.send("ask_controls")
            number = asking(player)
            second.of_type("watching", controls="taken")
            second.send("ask_controls")
            assert second.of_type("error")["code"] == "controlsTaken"
        second.of_type("watching", controls="free")
        refused = player.reply(player.request("answer_guest", guest=number, granted=True))
        assert (refused["success"], refused["code"]) == (False, "guestUnknown")


def test_whoever_was_declined_waits_before_they_ask_again() -> None:
    clock = FakeClock()
    with (
        play_server(fake_services(clock=clock)) as server,
        playing(server) as (player, link),
        watching(server, link) as guest,
    ):
        guest.send("ask_controls")
        done(player, "answer_guest", guest=asking(player), granted=False)
        guest.of_type("watching", controls="free", answer="declined")
        guest.send("ask_controls")
        assert guest.of_type("error")["code"] == "controlsTaken"
        clock.advance(11)
        guest.send("ask_controls")
        assert asking(player)


def test_a_player_who_leaves_while_a_guest_plays_ends_it_for_all() -> None:
    with play_server(limits=_AWAKE) as server, playing(server) as (player, link), watching(server, link) as guest:
        lend(player, guest)
        guest.control("D")
        player.socket.close()
        assert guest.closed() == (1000, "sharingEnded")
        wait_until(lambda: server.sessions() == [], "the session is over")


def test_nothing_of_sharing_reaches_a_client_that_never_shared() -> None:
    with play_server(limits=_AWAKE) as server, server.client() as client:
        client.start()
        client.send("pause")
        client.send("resume")
        client.control("W")
        client.played_frame()  # every message on the way was checked by a stock client's eyes
