"""A fleet, simulated: people come, wait for a place, play and leave; devices fail and come back.

Places are given by the fleet's own admission (`handlers.places.admission`). Beside it stands what it is compared with:
a queue for each device, which a newcomer picks without knowing the others.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias

from handlers.places.admission import Asking, Load, seated

if TYPE_CHECKING:
    from collections.abc import Mapping


class Policy(Enum):
    """`JOINT`: one line for all devices, and the fleet's admission. `APART`: a line for each, picked at random."""

    JOINT = auto()
    APART = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Times in seconds. `models` gives the share of newcomers who want each; `kept` of them fit into a device's memory.

    `demand` is the mean number of sessions that would be in play without any wait, as a share of all places.
    """

    devices: int
    places: int = 4  # of each device
    demand: float = 0.8
    mean_session_s: float = 900.0
    models: Mapping[str, float] = field(default_factory=lambda: {"large": 0.6, "small": 0.3, "rare": 0.1})
    kept: int = 1
    load_s: float = 25.0
    mean_life_s: float = 48 * 3600.0  # of a device, until it fails
    repair_s: float = 600.0
    newcomers: int = 20_000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """`waits` and `starts` are in the order in which people began to play: until a place was theirs, and until their
    model was there as well. `used` is the share of all places' time in which somebody played."""

    waits: tuple[float, ...]
    starts: tuple[float, ...]
    used: float
    loads: int
    cut: int
    device_hours: float
    session_hours: float


@dataclass(frozen=True, slots=True)
class _Arrives:
    model: str
    length: float


@dataclass(frozen=True, slots=True)
class _Leaves:
    device: int
    session: int


@dataclass(frozen=True, slots=True)
class _Fails:
    device: int


@dataclass(frozen=True, slots=True)
class _Returns:
    device: int


_Event: TypeAlias = "_Arrives | _Leaves | _Fails | _Returns"


@dataclass(slots=True)
class _Waiting:
    since: float
    model: str
    length: float


@dataclass(slots=True)
class _Device:
    works: bool = True
    playing: dict[int, tuple[_Waiting, float]] = field(default_factory=dict[int, "tuple[_Waiting, float]"])
    models: list[str] = field(default_factory=list[str])  # in memory, the one that was used last at the end


_LEAST_SESSION_S: Final = 10.0


class Simulation:
    def __init__(self, scenario: Scenario, policy: Policy) -> None:
        self._scenario = scenario
        self._policy = policy
        self._random = random.Random(scenario.seed)
        self._devices = [_Device() for _ in range(scenario.devices)]
        lines = 1 if policy is Policy.JOINT else scenario.devices
        self._lines = [deque[_Waiting]() for _ in range(lines)]
        self._events: list[tuple[float, int, _Event]] = []
        self._numbers = count()
        self._now = 0.0
        self._waits: list[float] = []
        self._starts: list[float] = []
        self._played_s = 0.0
        self._loads = self._cut = 0

    def run(self) -> Outcome:
        scenario = self._scenario
        between_s = scenario.mean_session_s / (scenario.demand * scenario.devices * scenario.places)
        at = 0.0
        for _ in range(scenario.newcomers):
            at += self._random.expovariate(1 / between_s)
            model = self._random.choices(list(scenario.models), list(scenario.models.values()))[0]
            length = max(_LEAST_SESSION_S, self._random.expovariate(1 / scenario.mean_session_s))
            self._at(at, _Arrives(model, length))
        last_arrival = at
        for device in range(scenario.devices):
            self._at(self._random.expovariate(1 / scenario.mean_life_s), _Fails(device))
        while self._events and self._now <= last_arrival:
            self._now, _, event = heapq.heappop(self._events)
            self._happen(event)
        hours = self._now * scenario.devices / 3600
        return Outcome(
            tuple(self._waits),
            tuple(self._starts),
            self._played_s / (self._now * scenario.devices * scenario.places),
            self._loads,
            self._cut,
            hours,
            self._played_s / 3600,
        )

    def _at(self, when: float, event: _Event) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), event))

    def _happen(self, event: _Event) -> None:
        match event:
            case _Arrives(model, length):
                self._line_of_newcomer().append(_Waiting(self._now, model, length))
                self._serve()
            case _Leaves(number, session):
                found = self._devices[number].playing.pop(session, None)
                if found is not None:
                    self._played_s += self._now - found[1]
                self._serve()
            case _Fails(number):
                self._fail(number)
            case _Returns(number):
                self._devices[number].works = True
                self._at(self._now + self._random.expovariate(1 / self._scenario.mean_life_s), _Fails(number))
                self._serve()

    def _fail(self, number: int) -> None:
        """Those who played there come back at once, for the rest of their time."""
        device = self._devices[number]
        device.works = False
        device.models.clear()
        playing, device.playing = device.playing, {}
        for waiting, began in playing.values():
            self._played_s += max(0.0, self._now - began)
            self._cut += 1
            left = max(_LEAST_SESSION_S, waiting.length - (self._now - began))
            self._line_of_newcomer().appendleft(_Waiting(self._now, waiting.model, left))
        self._at(self._now + self._scenario.repair_s, _Returns(number))
        self._serve()

    def _line_of_newcomer(self) -> deque[_Waiting]:
        return self._lines[0 if len(self._lines) == 1 else self._random.randrange(len(self._lines))]

    def _serve(self) -> None:
        for number, line in enumerate(self._lines):
            while line and (device := self._place_for(line[0], number)) is not None:
                self._begin(line.popleft(), device)

    def _place_for(self, waiting: _Waiting, line: int) -> int | None:
        if self._policy is Policy.APART:
            device = self._devices[line]
            return line if device.works and len(device.playing) < self._scenario.places else None
        loads = [
            Load(str(number), len(device.playing), self._scenario.places, frozenset(device.models))
            for number, device in enumerate(self._devices)
            if device.works
        ]
        place = seated([Asking("first", waiting.model)], loads).get("first")
        return None if place is None else int(place)

    def _begin(self, waiting: _Waiting, number: int) -> None:
        device, load_s = self._devices[number], 0.0
        if waiting.model in device.models:
            device.models.remove(waiting.model)
        else:
            self._loads += 1
            load_s = self._scenario.load_s
            del device.models[: max(0, len(device.models) + 1 - self._scenario.kept)]
        device.models.append(waiting.model)
        session, began = next(self._numbers), self._now + load_s
        device.playing[session] = (waiting, began)
        self._waits.append(self._now - waiting.since)
        self._starts.append(began - waiting.since)
        self._at(began + waiting.length, _Leaves(number, session))
