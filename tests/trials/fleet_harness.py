"""A fleet by real Ray, in processes of its own that all end with the test."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import httpx
import psutil
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

from benchmarks.fleet_servers import is_server, played_on
from network.listening_socket import create_listening_socket
from tests.browser.server_process import ROOT
from tests.play.harness import PlayClient, picture, session_config
from tests.postgres import lacking
from tests.waiting import deadline_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

Json = dict[str, Any]
START_S: Final = 240.0  # for a server, in a process that Ray starts
_ANNOUNCEMENT: Final = "Fleet running on "
_RAY_WAS_TOO_SLOW: Final = "The current node timed out during startup"
_ANOTHER_CLUSTER: Final = "127.0.0.1:1"  # a fleet on this machine has nothing to do with it
_MARK: Final = "TEST_FLEET"


class Fleet:
    """`url` is its one address; `mark` is what its processes, and no others, have in their environment. `command` is
    the one that has started them."""

    def __init__(self, url: str, mark: str, command: subprocess.Popen[str]) -> None:
        self.url = url
        self._mark = mark
        self._command = command

    # ---------------------------------------------------------------------------------------------------- processes

    def replicas(self) -> list[psutil.Process]:
        """Of the servers."""
        return list(filter(is_server, marked(self._mark)))

    def played_on(self, players: Sequence[psutil.Process] | None = None) -> psutil.Process:
        """The server that one of these processes, this one if none are named, is connected to directly.

        Whoever has started a fleet may name all of their children: its processes are left out.
        """
        own = marked(self._mark)
        return played_on(set(players or [psutil.Process()]).difference(own), filter(is_server, own))

    def update(self) -> None:
        """Have a new server come for each."""
        self._command.send_signal(signal.SIGUSR2)

    def stop(self) -> None:
        """Have the whole fleet end."""
        self._command.terminate()

    def proxy(self) -> psutil.Process:
        (found,) = [process for process in marked(self._mark) if "ProxyActor" in "".join(_command_of(process))]
        return found

    # --------------------------------------------------------------------------------------------------------- REST

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """On a connection of its own, as one that is kept may lead to a proxy that has died."""
        return httpx.request(method, f"{self.url}{path}", timeout=deadline_s(), **more)

    def sessions(self) -> dict[str, str]:
        """The server of each session, by its id."""
        listed = self.ask("GET", "/api/sessions").json()["sessions"]
        return {session["id"]: session["server"] for session in listed}

    def listed(self, count: int) -> dict[str, str]:
        """The same, once there are so many. Each server hears of the others' every 2 s."""
        found: list[dict[str, str]] = []
        wait_until(lambda: found.append(self.sessions()) or len(found[-1]) == count, f"{count} sessions are listed")
        return found[-1]

    def answers(self) -> bool:
        try:
            return self.ask("GET", "/api/sessions").status_code == 200
        except httpx.TransportError:
            return False

    # ------------------------------------------------------------------------------------------------------ playing

    @contextmanager
    def client(self) -> Generator[PlayClient]:
        """Plays through the proxy, as a client does that cannot be sent anywhere."""
        with self.socket() as client:
            client.start(SEED, model=MODEL)
            yield client

    @contextmanager
    def direct_client(self) -> Generator[PlayClient]:
        """Plays on the port of the server that it was sent to."""
        with self.moved_client(self.sent_on()) as client:
            yield client

    def sent_on(self, **init: Any) -> Json:
        """Where somebody is sent who comes by the door, after all waiting. Whoever kept the door may have died."""
        sent: list[Json] = []

        def is_sent() -> bool:
            with suppress(WebSocketException, OSError), self.socket("&follows=ws") as door:
                door.request("init", config=session_config(), model=MODEL, **init)
                sent.extend(message for message in door.messages() if message["type"] == "moved")
            return bool(sent)

        wait_until(is_sent, "a newcomer is sent to a server", seconds=START_S)
        return sent[0]

    @contextmanager
    def direct_player(self) -> Generator[Player]:
        with self.direct_client() as client, playing(client) as player:
            yield player

    @contextmanager
    def moved_client(self, moved: Json) -> Generator[PlayClient]:
        with self.socket(f"&ticket={moved['ticket']}", moved["address"]) as client:
            client.start(SEED, model=MODEL)
            yield client

    @contextmanager
    def socket(self, more: str = "", address: str | None = None) -> Generator[PlayClient]:
        url = f"{address or self.url.replace('http', 'ws', 1)}/ws?protocol_version=5&client=terrarium{more}"
        with connect(url, compression=None, max_size=None, open_timeout=deadline_s()) as socket:
            yield PlayClient(socket, extended=True)


MODEL: Final = "terrarium/diorama"
SEED: Final = picture(20, width=320, height=180)


class Player:
    """Plays on a thread until it is stopped or its connection ends, so that nothing waits unread meanwhile."""

    def __init__(self, client: PlayClient) -> None:
        self.address = client.socket.remote_address
        self.passes = 0
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self._client = client
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def stop(self) -> PlayClient:
        """The client, for whatever else it is to do."""
        self._stopped.set()
        self._thread.join(deadline_s())
        return self._client

    def _play(self) -> None:
        try:
            while not self._stopped.is_set():
                self._client.hold("W")
                self.passes += 1
        except ConnectionClosed:
            self.close_code = self._client.socket.close_code
            self.close_reason = self._client.socket.close_reason


def play_on(players: Sequence[Player], passes: int = 1) -> None:
    """Wait until each has had so many more passes."""
    wanted = {player: player.passes + passes for player in players}
    wait_until(
        lambda: all(player.passes >= wanted[player] or player.has_ended for player in players), "all of them play on"
    )
    assert [player.close_code for player in players if player.has_ended] == [], "nobody's connection was closed"


@contextmanager
def playing(client: PlayClient) -> Generator[Player]:
    player = Player(client)
    try:
        yield player
    finally:
        player.stop()


@contextmanager
def fleet(folder: Path, database_url: str, *more: str) -> Generator[Fleet]:
    """Two servers on this machine, by `terrarium fleet`. Its stop has to succeed, too."""
    require_ray()
    with create_listening_socket("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = [
        *(sys.executable, str(ROOT / "ltx2_server.py"), "fleet", "--replicas", "2", "--cpus", "0.5"),
        *("--port", str(port), "--own-dirs", str(folder / "own"), "--shared-dir", str(folder / "shared")),
        *("--drain-s", "5", *more),
    ]
    log = folder / "stderr.txt"
    with processes(database_url) as (environment, mark):
        process, url = _started(command, log, {**environment, "RAY_ADDRESS": _ANOTHER_CLUSTER})
        with process:
            try:
                yield Fleet(url, mark, process)
                process.terminate()
                assert process.wait(deadline_s(START_S)) == 0, log.read_text(encoding="utf-8")[-8000:]
            finally:
                process.kill()


def _started(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> tuple[subprocess.Popen[str], str]:
    """The fleet and its address. Ray gives its own processes 30 s to start, however busy the machine is."""
    said = ""
    for _ in range(3):
        with log.open("w", encoding="utf-8") as stderr:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, stdin=subprocess.DEVNULL, text=True, env=environment
            )
        assert process.stdout is not None
        line = next((line for line in process.stdout if line.startswith(_ANNOUNCEMENT)), None)
        if line is not None:
            return process, line.removeprefix(_ANNOUNCEMENT).strip()
        with process:  # closes what it has written to
            pass
        said = log.read_text(encoding="utf-8")
        if _RAY_WAS_TOO_SLOW not in said:
            break
    raise AssertionError(said[-8000:])


@contextmanager
def processes(database_url: str) -> Generator[tuple[Mapping[str, str], str]]:
    """An environment for processes that all end with the block, and what tells them from others.

    Ray's processes outlive those that have started them, so that they are not found as anybody's children.
    """
    mark = secrets.token_hex(8)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TERRARIUM_", "RAY_"))}
    try:
        yield {**inherited, "TERRARIUM_DATABASE_URL": database_url, "PYTHONPATH": str(ROOT), _MARK: mark}, mark
    finally:
        wait_until(lambda: not _killed(mark), "all processes of the fleet have ended")


def _killed(mark: str) -> list[psutil.Process]:
    found = marked(mark)
    for process in found:
        with suppress(psutil.Error):
            process.kill()
    return found


def marked(mark: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _environment_of(process).get(_MARK) == mark]


def _environment_of(process: psutil.Process) -> Mapping[str, str]:
    try:
        return {} if process.status() == psutil.STATUS_ZOMBIE else process.environ()
    except psutil.Error:
        return {}


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def passes_copied(copies: Path) -> int:
    """Of the world that was played longest, in its newest copy."""
    return max((json.loads(facts.read_bytes())["passes"] for facts in copies.glob("*/facts.json")), default=0)


def require_ray() -> None:
    """Skips the test where Ray is not installed."""
    if find_spec("ray") is None:
        lacking("Ray is not installed: pip install 'terrarium[fleet]'")
