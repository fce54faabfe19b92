"""A fleet by real Ray on real PostgreSQL: one address, two servers; one is killed in play, and the other goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import httpx
import psutil
import pytest
from terrarium_client import sync
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from network.listening_socket import create_listening_socket
from tests.browser.server_process import ROOT
from tests.play.harness import PlayClient, picture
from tests.postgres import emptied_postgres_url
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="servers share a folder by POSIX locks"),
]
_ANNOUNCEMENT: Final = "Fleet running on "
_START_S: Final = 240.0


class Fleet:
    def __init__(self, url: str, process: psutil.Process) -> None:
        self.url = url
        self._process = process

    def replicas(self) -> list[psutil.Process]:
        """The processes of the servers. Ray names a process by what it runs."""
        found = self._process.children(recursive=True)
        return [process for process in found if "ServeReplica" in "".join(_command_of(process))]

    def played_on(self) -> psutil.Process:
        """The server that this process is connected to directly."""
        open_to = {each.raddr.port for each in psutil.Process().net_connections("tcp") if each.raddr}
        return next(
            replica
            for replica in self.replicas()
            if any(
                each.status == psutil.CONN_LISTEN and each.laddr.port in open_to
                for each in replica.net_connections("tcp")
            )
        )

    @contextmanager
    def client(self) -> Generator[PlayClient]:
        """Plays through the proxy, as a client does that cannot be sent anywhere."""
        with self.socket() as client:
            client.start(picture(20, width=320, height=180), model="terrarium/diorama")
            yield client

    @contextmanager
    def direct_client(self) -> Generator[PlayClient]:
        """Plays on the port of the server that it was sent to."""
        with self.socket("&follows=ws") as door:
            door.init(picture(20, width=320, height=180), model="terrarium/diorama")
            moved = door.of_type("moved")
        with self.socket(f"&ticket={moved['ticket']}", moved["address"]) as client:
            client.start(picture(20, width=320, height=180), model="terrarium/diorama")
            yield client

    @contextmanager
    def socket(self, more: str = "", address: str | None = None) -> Generator[PlayClient]:
        url = f"{address or self.url.replace('http', 'ws', 1)}/ws?protocol_version=5&client=terrarium{more}"
        with connect(url, compression=None, max_size=None, open_timeout=deadline_s()) as socket:
            yield PlayClient(socket, extended=True)


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextmanager
def fleet(folder: Path, *more: str) -> Generator[Fleet]:
    """`more` are flags of the command, such as another number of servers than two."""
    port = create_listening_socket("127.0.0.1", 0)
    number = port.getsockname()[1]
    port.close()
    command = [
        *(sys.executable, str(ROOT / "ltx2_server.py"), "fleet", "--replicas", "2", "--cpus", "0.5"),
        *("--port", str(number), "--own-dirs", str(folder / "own"), "--shared-dir", str(folder / "shared")),
        *("--drain-s", "5", *more),
    ]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
    environment = {**inherited, "TERRARIUM_DATABASE_URL": emptied_postgres_url(), "PYTHONPATH": str(ROOT)}
    log, started = folder / "stderr.txt", list[psutil.Process]()
    with log.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, stdin=subprocess.DEVNULL, text=True, env=environment
        )
    with process:
        try:
            whole = psutil.Process(process.pid)
            assert process.stdout is not None
            line = next((line for line in process.stdout if line.startswith(_ANNOUNCEMENT)), "")
            started += whole.children(recursive=True)
            assert line, log.read_text(encoding="utf-8")[-8000:]
            yield Fleet(line.removeprefix(_ANNOUNCEMENT).strip(), whole)
            started += whole.children(recursive=True)
            process.terminate()
            assert process.wait(_START_S) == 0, log.read_text(encoding="utf-8")[-8000:]
        finally:
            process.kill()
            for each in started:  # of this fleet alone; a stop has ended them already
                with suppress(psutil.NoSuchProcess):
                    each.kill()


def test_one_of_two_servers_is_killed_in_play(tmp_path: Path) -> None:
    with fleet(tmp_path) as servers, httpx.Client(base_url=servers.url, timeout=deadline_s()) as http:

        def sessions() -> list[dict[str, Any]]:
            return http.get("/api/sessions").json()["sessions"]

        def where() -> set[str]:
            return {session["server"] for session in sessions()}

        with servers.client() as first, servers.client() as second, servers.client() as third:
            clients = [first, second, third]
            for client in clients:
                client.hold("W")
            wait_until(lambda: len(sessions()) == 3 and len(where()) == 2, "both play, and each knows of the other")
            servers.replicas()[0].kill()

            def left() -> int:
                return sum(_plays(client) for client in clients)

            wait_until(lambda: 0 < left() < 3, "those on the dead server were told, and the others play on")
        wait_until(lambda: len(servers.replicas()) == 2, "another server has come", seconds=_START_S)
        wait_until(lambda: not sessions(), "the dead one's sessions are forgotten", seconds=_START_S)
        with servers.client() as again:
            again.hold("W")


def test_a_client_goes_on_where_it_was_when_its_server_is_killed(tmp_path: Path) -> None:
    def begin(world: sync.World) -> None:
        world.init(picture(20), model="terrarium/diorama", rng_seed=7)

    def walk(world: sync.World, steps: int) -> list[bytes]:
        return [world.step("W", mouse=(3.0, 0.0)).picture.tobytes() for _ in range(steps)]

    with fleet(tmp_path) as servers:
        with sync.connect(servers.url) as world:
            begin(world)
            walk(world, 90)  # a checkpoint is taken each second of the world's own time
            wait_until(lambda: _passes_copied(tmp_path / "shared" / "copies") > 0, "the world is copied")
            walk(world, 20)
            servers.played_on().kill()
            after = walk(world, 5)
        with sync.connect(servers.url) as alone:
            begin(alone)
            assert walk(alone, 115)[110:] == after


def test_players_are_sent_to_their_servers_and_wait_in_line(tmp_path: Path) -> None:
    with fleet(tmp_path, "--max-sessions", "1") as servers, ExitStack() as stack:
        players = list[ExitStack]()
        for _ in range(2):
            players.append(stack.enter_context(ExitStack()))
            players[-1].enter_context(servers.direct_client()).hold("W")
        with servers.socket("&follows=ws") as waiting:
            waiting.init(picture(20, width=320, height=180), model="terrarium/diorama")
            assert waiting.of_type("progress", step="waiting_for_place")["in_line"] == 1
            players[0].close()
            address = waiting.of_type("moved")["address"]
        assert address.startswith("ws://127.0.0.1:")
        assert address != servers.url.replace("http", "ws", 1)


def test_a_server_comes_for_those_who_wait_in_line(tmp_path: Path) -> None:
    flags = ("--max-sessions", "1", "--replicas", "1", "--max-replicas", "2")
    with fleet(tmp_path, *flags) as servers, servers.direct_client() as first:
        first.hold("W")
        with servers.socket("&follows=ws") as waiting:
            waiting.init(picture(20), model="terrarium/diorama")
            assert waiting.of_type("progress", step="waiting_for_place")["in_line"] == 1
            wait_until(lambda: len(servers.replicas()) == 2, "another server has come", seconds=_START_S)


def _passes_copied(copies: Path) -> int:
    return max((json.loads(facts.read_bytes())["passes"] for facts in copies.glob("*/facts.json")), default=0)


def _plays(client: PlayClient) -> bool:
    try:
        client.hold("W")
    except (ConnectionClosed, StopIteration):
        return False
    return True
