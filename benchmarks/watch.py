"""Measures what those who watch cost: `python -m benchmarks.watch [--seconds N] [--watchers N] [--quick]`.

The diorama walks through a shipped picture at 720p60 in a server process of its own. Its CPU time for each frame that
the player gets is compared with and without people who watch, in turns, so that other work on the machine meets both.
Who watches confirms every pass as soon as it has arrived, and does not draw.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from websockets.frames import Opcode

from benchmarks.child import terrarium_server
from benchmarks.player import MessageSocket, Player, PlayerError, frames_in, header_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from benchmarks.child import Child

_SEED: Final = Path(__file__).parent.parent / "assets" / "seeds" / "forest_path.jpg"
_MODEL: Final = "terrarium/diorama"
_SETTLING_S: Final = 3.0  # in which streams are opened and the quality finds its place
_VIDEO: Final = "&video=h264"
_CASES: Final = (
    ("JPEG, watched as JPEG", "", ""),
    ("H.264, watched as H.264", _VIDEO, _VIDEO),
    ("JPEG, watched as H.264", "", _VIDEO),
)


@dataclass(frozen=True, slots=True)
class WatchFigures:
    """`cpu_ms` is the server's time for each frame that the player got, its helpers' included."""

    cpu_ms: float
    player_fps: float
    watcher_fps: float


class SharingPlayer(Player):
    """Plays, and shares what it plays: `link` is there once the world has started."""

    link: str

    def _await_start(self, limit_s: float) -> None:
        super()._await_start(limit_s)
        self._socket.send(Opcode.TEXT, json.dumps({"type": "share", "req_id": "share"}).encode())
        while True:
            opcode, payload = self._socket.read()
            self._answer_ping(opcode, payload)
            message: dict[str, Any] = json.loads(bytes(payload)) if opcode is Opcode.TEXT else {}
            if message.get("req_id") == "share":
                self.link = message["data"]["link"]
                return


class Watcher:
    """Watches within the block, and counts the frames that it gets."""

    def __init__(self, port: int, link: str, query: str) -> None:
        self.frames = 0
        self._socket = MessageSocket(port, f"/watch?link={link}{query}")
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.abort()
        self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        try:
            while True:
                opcode, payload = self._socket.read()
                if opcode is Opcode.PING:
                    self._socket.send(Opcode.PONG, bytes(payload))
                elif opcode is Opcode.BINARY:
                    header = header_of(payload)
                    self.frames += frames_in(payload)
                    drawn = {"type": "frame_ack", "frame_id": header["frame_id"], "epoch": header["epoch"]}
                    self._socket.send(Opcode.TEXT, json.dumps(drawn).encode())
        except (OSError, PlayerError):
            return  # the block has ended, or the server has; then the figures show it


def measure(server: Child, *, player_query: str, watcher_query: str, watchers: int, seconds: float) -> WatchFigures:
    query = f"&client=terrarium{player_query}"
    with (
        SharingPlayer(
            server.port, _MODEL, seed=_SEED.read_bytes(), capped=True, query=query, acknowledges=True
        ) as player,
        ExitStack() as stack,
    ):
        crowd = [stack.enter_context(Watcher(server.port, player.link, watcher_query)) for _ in range(watchers)]
        time.sleep(_SETTLING_S)
        began, cpu_s, played, watched = time.monotonic(), server.cpu_s(), _frames(player), [one.frames for one in crowd]
        time.sleep(seconds)
        took, cpu_s, played = time.monotonic() - began, server.cpu_s() - cpu_s, _frames(player) - played
        rates = [(one.frames - before) / took for one, before in zip(crowd, watched, strict=True)]
    return WatchFigures(cpu_s * 1000 / max(played, 1), played / took, statistics.mean(rates or [0.0]))


def _frames(player: Player) -> int:
    return sum(arrival.frames for arrival in player.arrivals)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--watchers", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="one round of two seconds")
    options = parser.parse_args(arguments)
    rounds, seconds = (1, 2.0) if options.quick else (3, options.seconds)
    print("| the player's frames | CPU ms a frame alone | watched | ratio | frames/s, player | who watches |")
    print("| --- | --- | --- | --- | --- | --- |")
    with terrarium_server() as (server, _):
        for name, player_query, watcher_query in _CASES:
            alone, crowded = list[WatchFigures](), list[WatchFigures]()
            for _ in range(rounds):
                for figures, watchers in ((alone, 0), (crowded, options.watchers)):
                    figures.append(
                        measure(
                            server,
                            player_query=player_query,
                            watcher_query=watcher_query,
                            watchers=watchers,
                            seconds=seconds,
                        )
                    )
            print(_row(name, alone, crowded), flush=True)


def _row(name: str, alone: Sequence[WatchFigures], crowded: Sequence[WatchFigures]) -> str:
    before, after = (statistics.median(each.cpu_ms for each in figures) for figures in (alone, crowded))
    player, watcher = (
        statistics.median(each.player_fps for each in crowded),
        statistics.median(each.watcher_fps for each in crowded),
    )
    return f"| {name} | {before:.1f} | {after:.1f} | {after / before:.2f} | {player:.0f} | {watcher:.0f} |"


if __name__ == "__main__":
    main()
