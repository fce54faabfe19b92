"""Stops of a throttled server at a chosen moment of its life, and what every one of them has to be like."""

from __future__ import annotations

import http.client
import json
import signal
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.play.harness import b64, picture, session_config
from tests.throttled import Throttled
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from pathlib import Path

Way: TypeAlias = Literal["SIGTERM", "SIGHUP", "SIGINT", "POST /shutdown"]
WAYS: Final[tuple[Way, ...]] = ("SIGTERM", "SIGHUP", "SIGINT", "POST /shutdown")
_LONGEST_S: Final = 5.0
_SEED: Final = picture(90, 120, 60, width=320, height=180)


@dataclass(frozen=True, slots=True)
class Starting:
    """So many seconds of running time after its first lines have run."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Playing:
    """So many seconds of running time after a client has asked for a world of this engine, which is then loaded.

    The engine is loaded, warms up and is played meanwhile, recorded and with its inputs logged.
    """

    model: str
    after_s: float


Moment: TypeAlias = Starting | Playing


@dataclass(frozen=True, slots=True)
class Stop:
    """`run_s` and `still_s` are the slices of running and standing still from the moment on."""

    moment: Moment
    way: Way
    run_s: float = 0.010
    still_s: float = 0.020


def assert_stops_cleanly(stop: Stop, data_dir: Path) -> float:
    """Start a server, stop it at that moment, and check its end. Returns how many seconds it ran from there."""
    with (
        Throttled(data_dir, run_s=stop.run_s, stop_s=stop.still_s, has_terminal=stop.way == "SIGHUP") as server,
        _Visitor() as visitor,
    ):
        match stop.moment:
            case Starting(after_s):
                server.run_until(lambda: server.handles_signals, "its first lines have run")
            case Playing(model, after_s):
                server.run_until(lambda: server.port is not None, "it serves")
                visitor.play(server.port or 0, model)
                server.run_until(lambda: visitor.has_asked, "a client has asked for a world")
        before = server.ran_s
        while server.ran_s - before < after_s:
            server.step()
        asking = _ask(server, stop.way)
        ran_s = server.end()
        asking.join()
        assert server.process.returncode == 0, f"{stop}: {server.process.returncode}\n{server.errors()}"
        assert ran_s <= _LONGEST_S, f"{stop}: it ran for {ran_s:.1f} s"
        assert not _complaints(server.errors()), f"{stop}:\n{server.errors()}"
        server.await_no_orphans()
    _assert_files_are_whole(data_dir)
    return ran_s


def _ask(server: Throttled, way: Way) -> threading.Thread:
    def post() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port or 0, timeout=deadline_s())
        # The connection may end before the answer is through.
        with closing(connection), suppress(OSError, http.client.HTTPException):
            connection.request("POST", "/shutdown")
            connection.getresponse().read()

    # A server that does not serve yet has no other door.
    if way == "POST /shutdown" and server.port is not None:
        asking = threading.Thread(target=post)
    else:
        number = signal.SIGTERM if way == "POST /shutdown" else getattr(signal, way)
        asking = threading.Thread(target=server.process.send_signal, args=(number,))
    asking.start()
    return asking


def _complaints(errors: str) -> list[str]:
    """Lines that say more than what happened: tracebacks, words of native libraries, and log events with either."""
    complaints: list[str] = []
    for line in errors.splitlines():
        event: Any = None
        with suppress(json.JSONDecodeError):
            event = json.loads(line)
        if not isinstance(event, dict) or event.keys() & {"exception", "stack"}:
            complaints.append(line)
    return complaints


def _assert_files_are_whole(data_dir: Path) -> None:
    unfinished = [path for path in data_dir.rglob("*") if path.name.startswith(".new-") or path.suffix == ".job-new"]
    assert not unfinished
    crash_log = data_dir / "logs" / "crash.log"
    assert not crash_log.exists() or crash_log.read_text() == ""
    for path in [*data_dir.rglob("*.json"), *data_dir.rglob("*.job")]:
        json.loads(path.read_text(encoding="utf-8"))
    for path in data_dir.glob("logs/server.log*"):
        for line in path.read_text(encoding="utf-8").splitlines():
            json.loads(line)


class _Visitor:
    """Asks for a world on a thread of its own, walks in it, and takes whatever end comes."""

    def __init__(self) -> None:
        self.has_asked = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> _Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._thread.join()

    def play(self, port: int, model: str) -> None:
        self._thread = threading.Thread(target=self._play, args=(port, model))
        self._thread.start()

    def _play(self, port: int, model: str) -> None:
        url = f"ws://127.0.0.1:{port}/ws?protocol_version=5&client=terrarium"
        with (
            suppress(OSError, EOFError, WebSocketException),
            connect(url, compression=None, max_size=None, open_timeout=deadline_s(), ping_interval=None) as socket,
        ):
            config = session_config(video_recording=True, action_logging=True)
            image = b64(_SEED)
            socket.send(
                json.dumps({"type": "init", "req_id": "1", "model": model, "seed_image_data": image, "config": config})
            )
            self.has_asked = True
            while True:
                socket.send(json.dumps({"type": "control", "buttons": ["W"]}))
                with suppress(TimeoutError):
                    socket.recv(0.05)
