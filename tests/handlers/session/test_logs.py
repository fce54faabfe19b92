"""Log events on the socket: each client gets its own session's, and nobody else's."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logging_policy import configure_logging
from services.clock.system_clock import SystemClock
from services.log_stream.log_reduction import LogReduction
from services.log_stream.session_log_stream import SessionLogStream
from tests.fakes.fake_catalogue import FakeModel
from tests.play.harness import Json, fake_services, picture, play_server

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture
def log_stream() -> Generator[SessionLogStream]:
    stream = SessionLogStream(SystemClock(), LogReduction(data_dir=Path("/data"), home=None))
    undo = configure_logging("json", None, stream.tap, stream=io.StringIO())
    yield stream
    undo()


def test_each_client_gets_the_events_of_its_own_session_alone(log_stream: SessionLogStream) -> None:
    models = FakeModel("fake/one"), FakeModel("fake/two")
    services = fake_services(*models, log_stream=log_stream)
    with play_server(services) as server, server.client() as a, server.client() as b:
        first = a.init(picture(1), model="fake/one")
        a.reply(first)
        second = b.init(picture(2), model="fake/two")
        seen_by_b: list[Json] = []
        b.until(lambda message: seen_by_b.append(message) or message.get("req_id") == second)
        seen_by_b = [message for message in seen_by_b if message["type"] == "log"]
        own = [log for log in seen_by_b if log.get("fields", {}).get("model")]
        assert {log["fields"]["model"] for log in own} == {"fake/two"}
        assert any(log["event"] == "Loading a model" for log in own)
        for log in seen_by_b:
            assert "client_host" not in log.get("fields", {})


def test_a_refused_message_is_explained_in_the_log_without_echoing_it(log_stream: SessionLogStream) -> None:
    with play_server(fake_services(log_stream=log_stream)) as server, server.client() as client:
        client.socket.send('{"type": "control", "buttons": "hunter2"}')
        log = client.of_type("log", event="A message was refused")
        assert log["level"] == "warning"
        assert "buttons" in log["fields"]["reason"]
        assert "hunter2" not in str(log)
