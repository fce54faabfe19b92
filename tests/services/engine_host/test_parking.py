"""A hosted engine leaves its device and comes back, in a process that stays or ends meanwhile."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.engine_host.engine_host import HostedEngine, host_engine
from services.engine_host.host_settings import HostSettings
from services.world_engine.contract import ENGINE_CHECKS
from services.world_engine.engine_parking import MortalEngine, can_park
from services.world_engine.world_engine import EngineDiedError, EngineFaultError, EngineOutOfMemoryError
from tests.services.engine_host import engines_in_host as toys
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

TOYS = "tests.services.engine_host.engines_in_host"


@contextmanager
def hosted(leaving: int | None = 0, **options: Any) -> Generator[HostedEngine]:
    given = {"leaving": leaving, **options}
    engine = host_engine(f"{TOYS}:load_toy", given, "none", lambda _: None, HostSettings("Toy grid"))
    try:
        yield engine
    finally:
        engine.close()


class Told:
    """Waits to hear of an engine's end."""

    def __init__(self, engine: HostedEngine) -> None:
        self._heard = threading.Event()
        engine.when_ended(self._heard.set)

    def wait(self) -> bool:
        return self._heard.wait(deadline_s())

    @property
    def has_heard(self) -> bool:
        return self._heard.is_set()


def test_it_leaves_and_comes_back_in_the_same_process(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with hosted(trace=str(trace), batched=False) as engine:
        assert engine.spec.can_park
        process, told = engine.pid, Told(engine)
        ENGINE_CHECKS["it comes back from host memory"](engine)
        assert engine.pid == process
        assert not told.has_heard
    lines = [line for line in trace.read_text().splitlines() if line in {"parked", "resumed", "closed"}]
    assert lines == ["parked", "resumed"] * 2 + ["closed"]
    assert told.has_heard, "it has ended with its process"


def test_a_process_that_is_killed_meanwhile_is_told_of() -> None:
    with hosted() as engine:
        assert isinstance(engine, MortalEngine)
        engine.park()
        told, pid = Told(engine), engine.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert told.wait()
        with pytest.raises(EngineDiedError, match="SIGKILL"):
            engine.resume()
        assert Told(engine).has_heard, "whoever asks later is told at once"


def test_a_process_that_dies_on_the_way_out_is_a_fault() -> None:
    with hosted(toys.DIE) as engine, pytest.raises(EngineDiedError):
        engine.park()


@pytest.mark.parametrize(
    ("leaving", "fault", "said"),
    [
        (toys.NO_MEMORY, EngineOutOfMemoryError, "not enough memory for Toy grid"),
        (toys.FAIL, EngineFaultError, "Toy grid failed"),
    ],
)
def test_what_fails_on_the_way_back_is_typed(leaving: int, fault: type[EngineFaultError], said: str) -> None:
    with hosted(leaving) as engine:
        engine.park()
        with pytest.raises(fault, match=said) as raised:
            engine.resume()
        assert type(raised.value) is fault


def test_an_engine_that_cannot_leave_says_so_and_plays_on() -> None:
    with hosted(None) as engine:
        assert not can_park(engine)
        world = engine.open_world(np.zeros(toys.SPEC_PICTURE, np.uint8), rng_seed=1)
        world.step(toys.ControlPayload(frozenset(), 0.0, 0.0))
