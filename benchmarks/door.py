"""Measures what strangers can do to a player: `python -m benchmarks.door [--seconds N] [--connections N]`.

The server's process may open 1,024 files, and listens on every address. The player comes over loopback, the strangers
over another address of this machine.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import sys
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks import floor
from benchmarks.child import game_server
from benchmarks.crowd import SILENT, SLOW_BODY, SLOW_HEAD, Crowd, own_address
from benchmarks.measures import play
from benchmarks.null_engine import INSTANT
from benchmarks.scenery import SceneSpec, make_passes
from runtime_config.runtime_config import JpegConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.child import Child

_DESCRIPTORS: Final = 1024
_LOOK_S: Final = 0.05
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` is the length of each measurement of play.

    `again_per_s` is how many connections the crowd opens anew each second, in place of those that the server ended.
    `patience_s` is how long to wait until the server ends slow ones.
    """

    scene: SceneSpec = field(default_factory=SceneSpec)
    seconds: float = 5.0
    rounds: int = 3
    connections: int = 1300
    again_per_s: int = 200
    slow_connections: int = 20  # of each manner, all at once
    patience_s: float = 60.0
    json_mib: int = 600


@dataclass(frozen=True, slots=True)
class PlayUnder:
    """Passes a second, medians of the rounds: without the strangers, and while they are there."""

    before: float
    under: float

    @property
    def share(self) -> float:
        return self.under / self.before


@dataclass(frozen=True, slots=True)
class Results:
    """`one_address` is play under strangers who share an address, `many` as if each had one of its own.

    `ended_after` has the age, in seconds, at which the last connection of a manner was ended. None: it never was.
    """

    connections: int
    one_address: PlayUnder
    many_addresses: PlayUnder
    ended_after: dict[str, float | None]
    json_mib: int
    json_growth_mb: dict[str, float]


def run(plan: Plan, address: str) -> Results:
    """Measure everything, with strangers from `address`. The servers run in processes that end with this call."""
    passes = make_passes(plan.scene)
    seed = floor.encode(passes[0][0], JpegConfig())
    # Without a limit for each address, the crowd meets the limit of all connections, as one from many addresses would.
    many = _play_under(plan, address, seed, per_address=16_384)
    with game_server(plan.scene, host="0.0.0.0", descriptors=_DESCRIPTORS) as child:
        one = _rounds(plan, child, address, seed)
        ended_after = _ended_after(plan, child, address)
        growth = {
            "with its length": _growth_mb(child, address, plan.json_mib, chunked=False),
            "in chunks": _growth_mb(child, address, plan.json_mib, chunked=True),
        }
    return Results(plan.connections, one, many, ended_after, plan.json_mib, growth)


def render(results: Results) -> str:
    rows: list[tuple[str, str, str]] = [("", "measured", "aim")]
    for name, figures in (("one address", results.one_address), ("as many addresses", results.many_addresses)):
        rows += [
            (f"passes/s before, {name}", f"{figures.before:.1f}", ""),
            (f"passes/s under {results.connections} silent connections", f"{figures.under:.1f}", ""),
            ("  of before", f"{figures.share:.0%}", ">= 95 %"),
        ]
    for name, seconds in results.ended_after.items():
        rows.append((f"{name}: ended after, s", "never" if seconds is None else f"{seconds:.1f}", "<= 15"))
    for name, growth in results.json_growth_mb.items():
        rows.append((f"memory for {results.json_mib} MiB of JSON {name}, MB", f"{growth:+.1f}", "<= +5"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _play_under(plan: Plan, address: str, seed: bytes, *, per_address: int) -> PlayUnder:
    with game_server(plan.scene, host="0.0.0.0", descriptors=_DESCRIPTORS, per_address=per_address) as child:
        return _rounds(plan, child, address, seed)


def _rounds(plan: Plan, child: Child, address: str, seed: bytes) -> PlayUnder:
    """Play without and with the crowd in turn, so that other load on the machine affects both alike."""
    before: list[float] = []
    under: list[float] = []
    for _ in range(plan.rounds):
        before.append(_passes_per_s(plan, child, seed))
        with Crowd(address, child.port, plan.connections, SILENT, again_per_s=plan.again_per_s):
            under.append(_passes_per_s(plan, child, seed))
    return PlayUnder(statistics.median(before), statistics.median(under))


def _passes_per_s(plan: Plan, child: Child, seed: bytes) -> float:
    return play(child, INSTANT, seed, plan.seconds, capped=True).frames_per_s / plan.scene.frames_per_pass


def _ended_after(plan: Plan, child: Child, address: str) -> dict[str, float | None]:
    with ExitStack() as stack:
        crowds = {
            manner.name: stack.enter_context(Crowd(address, child.port, plan.slow_connections, manner))
            for manner in (SILENT, SLOW_HEAD, SLOW_BODY)
        }
        deadline = time.monotonic() + plan.patience_s
        while time.monotonic() < deadline and not all(crowd.has_gone for crowd in crowds.values()):
            time.sleep(_LOOK_S)
        return {name: max(crowd.ended_after) if crowd.has_gone else None for name, crowd in crowds.items()}


def _growth_mb(child: Child, address: str, mib: int, *, chunked: bool) -> float:
    """By how much the server's memory grows at most, while it is sent one body of JSON."""
    sending = threading.Thread(target=_send_json, args=(address, child.port, mib), kwargs={"chunked": chunked})
    before = most = child.rss_mb()
    sending.start()
    while sending.is_alive():
        most = max(most, child.rss_mb())
        sending.join(0.01)
    return max(most, child.rss_mb()) - before


def _send_json(address: str, port: int, mib: int, *, chunked: bool) -> None:
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {mib * _MIB}"
    head = f"POST /api/scenes HTTP/1.1\r\nHost: {address}:{port}\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
    piece = b'"' + b"x" * (_MIB - 1)
    if chunked:
        piece = b"%x\r\n%s\r\n" % (len(piece), piece)
    with socket.create_connection((address, port)) as connection, suppress(OSError):  # which the server may end
        connection.sendall(head.encode())
        for _ in range(mib):
            connection.sendall(piece)
        connection.recv(65536)


def _allow_files(count: int) -> None:
    """This process holds both ends of nothing, but one end of every connection."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < count <= hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def main(arguments: Sequence[str] | None = None) -> int:
    defaults = Plan()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=defaults.seconds, help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=defaults.rounds, help="of play (%(default)s)")
    parser.add_argument("--connections", type=int, default=defaults.connections, help="of strangers (%(default)s)")
    options = parser.parse_args(arguments)
    address = own_address()
    if address is None:
        print("This machine has no address but loopback, over which nobody is a stranger.", file=sys.stderr)
        return 1
    _allow_files(options.connections + 256)
    plan = Plan(seconds=options.seconds, rounds=options.rounds, connections=options.connections)
    print(render(run(plan, address)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
