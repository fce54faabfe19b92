"""The first messages of a connection."""

from __future__ import annotations

import pytest

from tests.play.harness import play_server


@pytest.mark.parametrize(
    ("query", "named"), [("", "unknown"), ("protocol_version=4", "4"), ("protocol_version=five", "five")]
)
def test_another_protocol_version_is_told_so_and_closed_with_a_close_frame(query: str, named: str) -> None:
    with play_server() as server, server.client(query=query) as client:
        error = client.of_type("error")
        assert error["message_id"] == "app.server.error.protocolVersionMismatch"
        assert error["params"] == {"client": named, "server": "5"}
        assert client.closed() == (1000, "protocolVersionMismatch")


def test_a_connection_begins_with_system_info_and_the_wait_for_a_seed() -> None:
    with play_server() as server, server.client() as client:
        first, second = client.receive(), client.receive()
        assert isinstance(first, dict)
        assert first["type"] == "system_info"
        assert second == {"type": "status", "stage": "session.waiting_for_seed"}


def test_a_refused_connection_takes_no_slot() -> None:
    with play_server(max_sessions=1) as server:
        with server.client(query="protocol_version=1") as client:
            client.closed()
        with server.client() as client:
            client.stage("session.waiting_for_seed")
