"""Measures a period of play, and computes its figures."""

from __future__ import annotations

import http.client
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.player import Player

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.child import Child

_WARM_UP_S: Final = 0.7
_HEALTH_INTERVAL_S: Final = 0.05
_HTTP_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Percentiles:
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class PlayFigures:
    """The figures of a period of play. Latencies are in milliseconds.

    `input_to_frame`: when a pass arrives, the age of the newest control that it has used. `change_to_frame`: the time
    from each control to the first pass that has used it or a newer one.
    """

    frames_per_s: float
    frame_kb: float
    input_to_frame: Percentiles
    change_to_frame: Percentiles
    server_cpu_s_per_1000: float
    client_cpu_share: float  # of one core, including the health requests
    health: Percentiles


@dataclass(frozen=True, slots=True)
class SlowReaderFigures:
    rss_halfway_mb: float
    rss_most_after_mb: float
    age: Percentiles  # ms, of the frames that the client reads
    passes: int


def percentiles(values: Sequence[float]) -> Percentiles:
    """Percentiles by nearest rank. NaN without values."""
    ordered = sorted(values) or [float("nan")]

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return Percentiles(at(0.50), at(0.95), at(0.99))


def play(child: Child, model: str, seed: bytes, seconds: float, *, capped: bool) -> PlayFigures:
    with Player(child.port, model, seed=seed, capped=capped) as player, HealthPoller(child.port) as poller:
        time.sleep(_WARM_UP_S)
        began, server, client = time.monotonic(), child.cpu_s(), time.process_time()
        time.sleep(seconds)
        ended, server, client = time.monotonic(), child.cpu_s() - server, time.process_time() - client
    arrived = [arrival for arrival in player.arrivals if began <= arrival.at < ended]
    frames = max(1, sum(arrival.frames for arrival in arrived))
    return PlayFigures(
        frames_per_s=frames / (ended - began),
        frame_kb=sum(arrival.size for arrival in arrived) / frames / 1000,
        input_to_frame=percentiles([(each.at - each.newest_control) * 1000 for each in arrived if each.newest_control]),
        change_to_frame=percentiles(_waits(player, began, ended)),
        server_cpu_s_per_1000=server / frames * 1000,
        client_cpu_share=client / (ended - began),
        health=percentiles([ms for at, ms in poller.answers if began <= at < ended]),
    )


def _waits(player: Player, began: float, ended: float) -> list[float]:
    """Milliseconds from each control of the period to the first pass that has used it."""
    newest = [arrival.newest_control for arrival in player.arrivals]  # never decreases
    waits: list[float] = []
    for sent in player.controls:
        # A tolerance of a microsecond, because the time was rounded in JSON.
        at = bisect_left(newest, sent - 1e-6)
        if began <= sent < ended and at < len(newest):
            waits.append((player.arrivals[at].at - sent) * 1000)
    return waits


def read_slowly(child: Child, model: str, seed: bytes, seconds: float, interval_s: float) -> SlowReaderFigures:
    """Read one pass per `interval_s` while the engine makes as many as it can."""
    rss: list[float] = []
    with Player(child.port, model, seed=seed, capped=False, read_interval_s=interval_s) as player:
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds:
            rss.append(child.rss_mb())
            time.sleep(min(0.25, seconds - elapsed))
    settled = began + min(5.0, seconds / 4)
    ages = [(each.at - each.newest_control) * 1000 for each in player.arrivals if each.at > settled]
    half = len(rss) // 2
    return SlowReaderFigures(rss[half], max(rss[half:]), percentiles(ages), len(ages))


class HealthPoller:
    """Requests `/health` 20 times a second over one connection. `answers` are (start, milliseconds)."""

    def __init__(self, port: int) -> None:
        self.answers: list[tuple[float, float]] = []
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_HTTP_TIMEOUT_S)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._poll)

    def __enter__(self) -> HealthPoller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._connection.close()

    def _poll(self) -> None:
        while not self._stopping.wait(_HEALTH_INTERVAL_S):
            began = time.monotonic()
            self._connection.request("GET", "/health")
            response = self._connection.getresponse()
            response.read()
            assert response.status == 200, response.status
            self.answers.append((began, (time.monotonic() - began) * 1000))
