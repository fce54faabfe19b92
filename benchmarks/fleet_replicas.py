"""How many sessions keep their rate on one server of a fleet, and on two, each with a simulated device of its own."""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import count
from typing import Final

import numpy as np

from benchmarks.child import fleet_server, free_port, wait_for_fleet
from benchmarks.player import Player, admitted
from benchmarks.waiting_engine import WaitingEngine, installed
from services.picture_decoder.png_pixels import encode_pixels

_MODEL: Final = WaitingEngine.card.model_id
_RATE: Final = WaitingEngine.card.fps / WaitingEngine.card.frames_per_pass
_KEPT: Final = 0.9  # of it
_FIRST: Final = 5  # players, which any machine serves
_MOST: Final = 24
_CONTROL_S: Final = 0.1  # between two controls, well within the 250 ms for which a world goes on
_SETTLING_S: Final = 1.5


def compare(database_url: str, *, seconds: float, rounds: int) -> str:
    """The table: a line for each round, in which one server and two are measured one after the other."""
    lines = ["one server  two servers  ratio"]
    for _ in range(rounds):
        one = _kept_by_one(database_url, seconds)
        two = _kept_by_two(database_url, seconds, places=one)
        lines.append(f"{one:10}  {two:11}  {two / one:5.2f}")
    return "\n".join(lines)


def _kept_by_one(database_url: str, seconds: float) -> int:
    """As many as come, one after the other, while all keep their rate."""
    with _Fleet(database_url, replicas=1, places=_MOST) as fleet:
        for number in count(1):
            fleet.admit()
            if number >= _FIRST and fleet.keeping(seconds) < number:
                return number - 1
    raise AssertionError("unreachable")


def _kept_by_two(database_url: str, seconds: float, *, places: int) -> int:
    """Of as many as find a place, where a server has as many as one alone can serve."""
    with _Fleet(database_url, replicas=2, places=places) as fleet:
        for _ in range(2 * places):
            fleet.admit()
        return fleet.keeping(seconds)


class _Fleet:
    """Players on a fleet, sent to its servers by the door."""

    def __init__(self, database_url: str, *, replicas: int, places: int) -> None:
        self._players = list[Player]()
        self._port = free_port()
        with ExitStack() as stack:
            path = stack.enter_context(installed())
            flags = ("--replicas", str(replicas), "--cpus", "0.5", "--max-sessions", str(places))
            limits = ("--least-rate-percent", "0", "--seed-safety", "off")
            stack.enter_context(fleet_server(database_url, self._port, *flags, *limits, python_path=path))
            wait_for_fleet(f"http://127.0.0.1:{self._port}", places=replicas * places)
            self._open = stack.pop_all()

    def __enter__(self) -> _Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def admit(self) -> None:
        """One more."""
        port, query = admitted(self._port, _MODEL, seed=_SEED)
        player = Player(port, _MODEL, seed=_SEED, capped=True, query=query, control_interval_s=_CONTROL_S)
        self._players.append(self._open.enter_context(player))

    def keeping(self, seconds: float) -> int:
        """How many keep their rate, at the better one of two tries, as what else the machine does comes and goes."""
        return max(self._keeping(seconds) for _ in range(2))

    def _keeping(self, seconds: float) -> int:
        time.sleep(_SETTLING_S)
        began = time.monotonic()
        time.sleep(seconds)
        took_s = time.monotonic() - began
        return sum(_passes_since(player, began) >= _KEPT * _RATE * took_s for player in self._players)


def _passes_since(player: Player, began: float) -> int:
    return sum(each.at >= began and each.newest_control > 0 for each in player.arrivals)


_SEED: Final = encode_pixels(np.full((WaitingEngine.spec.height, WaitingEngine.spec.width, 3), 90, np.uint8))
