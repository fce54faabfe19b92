from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from logging_policy import configure_logging
from network.http_server import TerrariumServer
from network.listening_socket import create_listening_socket
from runtime_config.current import Current
from runtime_config.runtime_config import AccessConfig, RuntimeConfig, SessionLimits
from tests.network.raw_peer import BINARY, TEXT, RawPeer
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

LIMITS = SessionLimits(max_frame_bytes=65536)


class SocketApp:
    """Accepts sockets, and says farewell on them when it is drained."""

    def __init__(self) -> None:
        self.events: queue.Queue[str] = queue.Queue()
        self.farewell = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        await receive()
        await send({"type": "websocket.accept"})
        self.events.put("accepted")
        await self.farewell.wait()
        await send({"type": "websocket.send", "text": "farewell"})
        await send({"type": "websocket.close", "code": 1001, "reason": "stopping"})
        self.events.put("said farewell")

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.events.put("lifespan ends")
        await send({"type": "lifespan.shutdown.complete"})

    async def drain(self) -> None:
        self.events.put("drain")
        self.farewell.set()

    def next(self) -> str:
        return self.events.get(timeout=deadline_s())


class Running:
    def __init__(self, app: SocketApp, drain: Callable[[], Awaitable[None]], drain_timeout_s: float) -> None:
        self.listener = create_listening_socket("127.0.0.1", 0)
        self.port: int = self.listener.getsockname()[1]
        self.urls: queue.Queue[str] = queue.Queue()
        self.exits: list[float] = []
        access = AccessConfig(port=self.port)
        config = RuntimeConfig(Path("unused"), access, limits=LIMITS, drain_timeout_s=drain_timeout_s)
        self.server = TerrariumServer(
            app, Current.fixed(config), self.listener, on_started=self.urls.put, drain=drain, on_exit=self.exits.append
        )
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        self.url = self.urls.get(timeout=deadline_s())

    def stop(self) -> None:
        self.server.request_exit()
        self.thread.join(deadline_s())
        assert not self.thread.is_alive()
        self.listener.close()


@contextmanager
def running(
    app: SocketApp, drain: Callable[[], Awaitable[None]] | None = None, drain_timeout_s: float = 4.0
) -> Generator[Running]:
    started = Running(app, drain or app.drain, drain_timeout_s)
    try:
        yield started
    finally:
        started.stop()


def test_it_says_where_it_listens_once_it_does() -> None:
    with running(SocketApp()) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=deadline_s())
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.status == 200
        assert response.headers["server"] is None
        connection.close()


def test_sessions_say_farewell_before_the_connections_go() -> None:
    app = SocketApp()
    with running(app) as server, RawPeer(server.port) as peer:
        peer.handshake()
        assert app.next() == "accepted"
        server.server.request_exit()
        server.server.request_exit()
        assert peer.read_frame().payload == b"farewell"
        closing = peer.read_to_close()
        assert (closing.close_code, closing.close_reason) == (1001, "stopping")
        assert [app.next() for _ in range(3)] == ["drain", "said farewell", "lifespan ends"]
        server.thread.join(deadline_s())
        assert server.exits == [5.0]


def test_a_drain_that_hangs_is_cut_off() -> None:
    app = SocketApp()
    cancelled = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with running(app, hang, drain_timeout_s=0.1) as server, RawPeer(server.port) as peer:
        peer.handshake()
        assert app.next() == "accepted"
        server.server.request_exit()
        assert peer.read_to_close().close_code == 1012
        assert app.next() == "lifespan ends"
    assert cancelled.is_set()


def test_a_drain_that_fails_is_logged_and_the_stop_goes_on() -> None:
    app = SocketApp()
    seen: list[dict[str, Any]] = []

    async def fail() -> None:
        raise LookupError("drain")

    undo = configure_logging("json", None, lambda event: seen.append(dict(event)))
    try:
        with running(app, fail):
            pass
    finally:
        undo()
    assert app.next() == "lifespan ends"
    (failure,) = [event for event in seen if "exception" in event]
    assert (failure["event"], failure["task"]) == ("Background task failed", "drain")


@pytest.mark.parametrize("times", [1, 20])
def test_a_server_that_is_cancelled_again_and_again_drains_and_ends_in_order(times: int) -> None:
    app, let_go = SocketApp(), asyncio.Event()

    async def drain() -> None:
        await app.drain()
        await let_go.wait()

    async def run() -> None:
        config = RuntimeConfig(Path("unused"), limits=LIMITS, drain_timeout_s=deadline_s())
        started = asyncio.Event()
        with create_listening_socket("127.0.0.1", 0) as listener:
            server = TerrariumServer(
                app, Current.fixed(config), listener, on_started=lambda _: started.set(), drain=drain
            )
            serving = asyncio.create_task(server.serve())
            await started.wait()
            for _ in range(times):
                serving.cancel()
                await asyncio.sleep(0)
            await app.farewell.wait()
            for _ in range(times):
                serving.cancel()
                await asyncio.sleep(0)
            assert not serving.done()
            let_go.set()
            with pytest.raises(asyncio.CancelledError):
                await serving

    asyncio.run(run())
    assert [app.next(), app.next()] == ["drain", "lifespan ends"]


def test_a_peer_that_reads_nothing_does_not_hold_the_stop() -> None:
    app = SocketApp()

    async def flood(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.accept"})
        app.events.put("accepted")
        with contextlib.suppress(OSError):
            await send({"type": "websocket.send", "bytes": bytes(16 * 1024 * 1024)})

    class Flood(SocketApp):
        __call__ = staticmethod(flood)  # pyright: ignore[reportAssignmentType] - the same call, of another app

    with running(Flood(), app.drain) as server, RawPeer(server.port, receive_buffer=65536) as peer:
        peer.handshake()
        assert app.next() == "accepted"


def test_the_limits_reach_the_connections() -> None:
    app = SocketApp()
    with running(app) as server, RawPeer(server.port) as peer:
        _, headers = peer.handshake(**{"Sec-WebSocket-Extensions": "permessage-deflate"})
        assert "sec-websocket-extensions" not in headers
        peer.send_frame(BINARY, bytes(65537))
        assert peer.read_to_close().close_code == 1009
        config = server.server.config
        assert (config.ws_ping_interval, config.ws_ping_timeout) == (LIMITS.ping_interval_s, LIMITS.ping_timeout_s)


def test_a_client_does_not_say_where_it_comes_from() -> None:
    seen: queue.Queue[Any] = queue.Queue()

    class Watching(SocketApp):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket":
                seen.put(scope["client"])
            await super().__call__(scope, receive, send)

    with running(Watching()) as server, RawPeer(server.port) as peer:
        peer.handshake(**{"X-Forwarded-For": "198.51.100.7"})
        assert seen.get(timeout=deadline_s())[0] == "127.0.0.1"
        peer.send_frame(TEXT, b"")


SCRIPT = """
import asyncio, sys
from pathlib import Path
from network.http_server import TerrariumServer
from network.listening_socket import create_listening_socket
from runtime_config.current import Current
from runtime_config.runtime_config import RuntimeConfig

async def app(scope, receive, send):
    while True:
        await send({"type": (await receive())["type"] + ".complete"})

async def drain():
    print("draining", flush=True)
    if sys.argv[1] == "hang":
        await asyncio.Event().wait()

listener = create_listening_socket("127.0.0.1", 0)
server = TerrariumServer(
    app, Current.fixed(RuntimeConfig(Path("."))), listener, on_started=lambda url: print(url, flush=True), drain=drain
)
server.run()
listener.close()
print("forced" if server.force_exit else "clean", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")
class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_stops_cleanly(self, number: signal.Signals) -> None:
        with self._process("end") as process:
            assert self._line(process).startswith("http://")
            process.send_signal(number)
            assert self._line(process) == "draining"
            assert self._line(process) == "clean"
            assert process.wait(deadline_s()) == 0

    def test_a_second_interrupt_forces_the_end(self) -> None:
        with self._process("hang") as process:
            self._line(process)
            process.send_signal(signal.SIGINT)
            assert self._line(process) == "draining"
            process.send_signal(signal.SIGINT)
            assert "did not end in time" in self._line(process)
            assert self._line(process) == "forced"
            assert process.wait(deadline_s()) == 0

    @contextmanager
    def _process(self, how: str) -> Generator[subprocess.Popen[str]]:
        environment = os.environ | {"PYTHONWARNINGS": "error"}
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT, how], stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _line(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        return process.stdout.readline().strip()
