"""A process that has no descriptor left."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from network._descriptors import raise_descriptor_limit
from tests.network.answering import ask
from tests.network.raw_peer import TEXT, RawPeer
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors are limited differently there")

# The application opens files until no descriptor is left, keeps them for a while, and closes them.
SCRIPT = """
import asyncio, os, resource, sys
from pathlib import Path
from logging_policy import configure_logging
from network.http_server import TerrariumServer
from network.listening_socket import create_listening_socket
from runtime_config.current import Current
from runtime_config.runtime_config import RuntimeConfig

resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
configure_logging("json", None, None)

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            await send({"type": (await receive())["type"] + ".complete"})
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        return
    await receive()
    await send({"type": "websocket.accept"})
    await receive()
    files = []
    try:
        while True:
            files.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        await send({"type": "websocket.send", "text": "full"})
    await receive()
    await asyncio.sleep(1.0)  # in which the server tries to accept several times
    for file in files:
        os.close(file)
    await receive()

async def drain():
    pass

listener = create_listening_socket("127.0.0.1", 0)
server = TerrariumServer(
    app, Current.fixed(RuntimeConfig(Path("."))), listener, on_started=lambda url: print(url, flush=True), drain=drain
)
server.run()
"""


@pytest.fixture
def port_and_log(tmp_path: Path) -> Generator[tuple[int, Path]]:
    log = tmp_path / "stderr"
    with (
        log.open("wb") as stderr,
        subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().rpartition(":")[2]), log
        finally:
            process.terminate()
            process.wait(deadline_s())


def test_without_descriptors_the_server_waits_and_says_so_once(port_and_log: tuple[int, Path]) -> None:
    port, log = port_and_log
    with RawPeer(port) as player:
        assert player.handshake()[0] == 101
        player.send_frame(TEXT, b"fill")
        assert player.read_frame().payload == b"full"
        with RawPeer(port) as newcomer:
            ask(newcomer)
            player.send_frame(TEXT, b"free them in a while")
            assert newcomer.read_answer()[0] == 200
    events = [json.loads(line)["event"] for line in log.read_text(encoding="utf-8").splitlines()]
    assert events == ["No connection can be accepted for now", "Connections are accepted again"]


def test_without_descriptors_an_unused_connection_gives_way(port_and_log: tuple[int, Path]) -> None:
    port, _ = port_and_log
    with RawPeer(port) as player, RawPeer(port) as silent:
        assert player.handshake()[0] == 101
        player.send_frame(TEXT, b"fill")
        assert player.read_frame().payload == b"full"
        with RawPeer(port) as newcomer:
            ask(newcomer)
            assert newcomer.read_answer()[0] == 200
        assert silent.stream.read() == b""


def test_the_limit_is_raised_as_far_as_the_system_allows() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[0], 256), before[1]))
        allowed = raise_descriptor_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (allowed, before[1])
        assert allowed == min(before[1], 65_536)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
