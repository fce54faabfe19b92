"""More connections than there is room for, over real sockets."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from runtime_config.current import Current
from runtime_config.runtime_config import DoorConfig
from tests.network.answering import Answering, ask
from tests.network.live_server import serving
from tests.network.raw_peer import TEXT, RawPeer
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.network.live_server import LiveServer

FEW = DoorConfig(max_connections=8, max_connections_per_address=4, chance_s=0.05)


@contextmanager
def strangers(app: Any) -> Generator[LiveServer]:
    """A server for which nobody is local."""
    with serving(app, FEW, lambda _host: False) as server:
        yield server


def occupy(server: LiveServer, app: Answering, count: int) -> list[RawPeer]:
    peers = [RawPeer(server.port) for _ in range(count)]
    for peer in peers:
        ask(peer, "/wait")
        assert app.next() == "waits"
    return peers


def test_a_connection_too_many_is_told_so() -> None:
    app = Answering()
    with strangers(app) as server:
        peers = occupy(server, app, 4)
        with RawPeer(server.port) as late:
            status, headers, body = late.read_answer()
            assert (status, json.loads(body)["code"]) == (503, "serverBusy")
            assert headers["retry-after"]
            assert late.is_closed()
        app.release()
        for peer in peers:
            assert peer.read_answer()[0] == 200
            peer.close()
        wait_until(lambda: server.connection_count == 0, "they have left")
        with RawPeer(server.port) as peer:
            ask(peer)
            assert peer.read_answer()[0] == 200


@pytest.mark.parametrize("changed", ["max_connections", "max_connections_per_address"])
def test_limits_change_while_connections_are_open(changed: str) -> None:
    app, limits = Answering(), {"max_connections": 8, "max_connections_per_address": 4}
    limits[changed] = 4

    def is_let_in() -> bool:
        with RawPeer(server.port) as peer:
            ask(peer)
            return peer.read_answer()[0] == 200

    door = Current(lambda: DoorConfig(**limits, chance_s=0.05))
    with serving(app, door, lambda _host: False) as server:
        peers = occupy(server, app, 4)
        assert not is_let_in()
        limits[changed] = 8
        if changed == "max_connections":
            limits["max_connections_per_address"] = 8
        assert is_let_in()
        limits[changed] = 4
        wait_until(lambda: server.connection_count == 4, "the others have left")
        assert not is_let_in()
        app.release()
        for peer in peers:
            assert peer.read_answer()[0] == 200, "nobody who is in has to go"
            peer.close()


def test_silent_connections_give_way_to_whoever_speaks() -> None:
    with strangers(Answering()) as server:
        silent = [RawPeer(server.port) for _ in range(4)]
        wait_until(lambda: _is_served(server), "a place was made")
        assert silent[0].stream.read() == b""
        for peer in silent:
            peer.close()


def _is_served(server: LiveServer) -> bool:
    with RawPeer(server.port) as peer:
        try:
            ask(peer)
            return peer.read_answer()[0] == 200
        except OSError:
            return False


def test_a_websocket_keeps_its_place_and_gives_it_back() -> None:
    app = Answering()
    with strangers(app) as server:
        players = [RawPeer(server.port) for _ in range(4)]
        for player in players:
            assert player.handshake()[0] == 101
        for _ in range(5):
            with RawPeer(server.port) as late:
                assert late.read_answer()[0] == 503
        players[0].close()
        assert app.next() == "websocket.disconnect"
        wait_until(lambda: _is_served(server), "the place is free")
        players[1].send_frame(TEXT, b"still here")
        assert app.next() == "websocket.receive"
        for player in players[1:]:
            player.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of the machine")
def test_strangers_leave_room_for_this_machine() -> None:
    with serving(Answering(), FEW, lambda host: host == "127.0.0.1") as server:
        silent = [RawPeer(server.port, source="127.0.0.2") for _ in range(300)]
        for _ in range(8):
            assert _is_served(server)
        for peer in silent:
            peer.close()
