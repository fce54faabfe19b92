"""A session that has ended is gone at once, with its world and its connection: no collector has to find it."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from tests.handlers.session.recording_studio import studio
from tests.play.harness import picture, play_server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from handlers.session.session import Session
    from tests.play.harness import PlayServer

_SOON_S = 10.0


class Traces:
    """Weak references to what must not outlive a session."""

    def __init__(self) -> None:
        self._parts: dict[str, weakref.ref[object]] = {}

    def follow(self, server: PlayServer) -> None:
        """The one session that there is, as it is now."""
        (session,) = server.handler.play._sessions.values()  # pyright: ignore[reportPrivateUsage] - nothing else holds it
        (connection,) = server.server.server_state.connections
        for name, part in {"connection": connection, **parts_of(session)}.items():
            self._parts[name] = weakref.ref(part)

    def names(self) -> set[str]:
        return set(self._parts)

    def left(self) -> set[str]:
        return {name for name, part in self._parts.items() if part() is not None}

    def expect_nothing_left(self) -> None:
        try:
            wait_until(lambda: not self.left(), "nothing of the session is left", seconds=_SOON_S)
        except AssertionError:
            assert self.left() == set(), "these wait for the garbage collector"


def parts_of(session: Session) -> dict[str, object]:
    """The one place that knows what a session is made of. Its world is there once it plays."""
    play = session._play  # pyright: ignore[reportPrivateUsage] - of no use to others
    parts: dict[str, object] = {"session": session, "outbox": session._outbox, "play": play}  # pyright: ignore[reportPrivateUsage]
    if play.actor is not None:
        parts |= {"actor": play.actor, "world": play.actor.world, "history": play.actor.world.history}
    return parts


@pytest.fixture(name="traces")
def fixture_traces() -> Generator[Traces]:
    """The garbage collector is off, so objects in a reference cycle stay."""
    gc.collect()
    gc.disable()
    try:
        yield Traces()
    finally:
        gc.enable()


def test_a_client_that_leaves(traces: Traces) -> None:
    with play_server() as server:
        with server.client() as client:
            client.start()
            client.hold("W")
            traces.follow(server)
        assert traces.names() == {"connection", "session", "outbox", "play", "actor", "world", "history"}
        traces.expect_nothing_left()


def test_a_server_that_stops(traces: Traces) -> None:
    with play_server() as server, server.client() as client:
        client.start()
        client.hold("W")
        traces.follow(server)
        server.drain()
        client.closed()
    traces.expect_nothing_left()


def test_a_refused_init(traces: Traces) -> None:
    with play_server() as server:
        with server.client() as client:
            client.stage("session.waiting_for_seed")
            traces.follow(server)
            assert not client.reply(client.init(picture(9), model="no/such"))["success"]
        traces.expect_nothing_left()


def test_a_world_that_was_recorded_and_saved(traces: Traces, tmp_path: Path) -> None:
    with studio(tmp_path) as at:
        with at.server.client(extended=True) as client:
            client.start(video_recording=True)
            client.hold("W")
            assert client.reply(client.request("save_world"))["success"]
            client.hold("W")
            traces.follow(at.server)
        at.outcome(0)
        traces.expect_nothing_left()


def test_the_traces_see_a_circle(traces: Traces) -> None:
    """A trace that sees no circle would let every test above pass."""

    class Knot:
        def __init__(self) -> None:
            self.itself = self

    def follow() -> None:
        traces._parts["knot"] = weakref.ref(Knot())  # pyright: ignore[reportPrivateUsage] - as `follow` does

    follow()
    assert traces.left() == {"knot"}
