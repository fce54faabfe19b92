"""Engines for tests of the host. They run in its process, and do what the buttons of a control tell them to."""

from __future__ import annotations

import faulthandler
import os
import re
import signal
import struct
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from services.world_engine.engine_card import LoadReport, LoadStep, ModelLoadError
from services.world_engine.world_engine import (
    ControlPayload,
    EngineFaultError,
    Frames,
    Picture,
    SnapshotMismatchError,
    WorldClosedError,
    WorldSnapshot,
    WorldSpec,
)
from tests.fakes.fake_world_engine import FakeWorldEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.world_engine.world_engine import World

# What a control's button makes a step do.
DIE, HANG, FAIL, NO_MEMORY, BAD_SHAPE = 200, 201, 202, 203, 204
DIE_IN_SNAPSHOT: Final = 205  # the next one
DIE_IN_WRITE: Final = 206  # of the next large one, half way
SPEC: Final = WorldSpec("toy/grid", "Toy grid", height=8, width=12, frames_per_pass=2, fps=60, weights_hash="70")
_STATE: Final = struct.Struct("<Qd")


class ToyEngine:
    """A world is a number and what the mouse has added up. `trace` is a file with a line for each batch."""

    def __init__(
        self, spec: WorldSpec = SPEC, *, pass_s: float = 0.0, state_bytes: int = 0, trace: str | None = None
    ) -> None:
        self.spec = spec
        self.pass_s = pass_s
        self.state_bytes = state_bytes
        self.large = "no"
        self.leaving = 0
        self._trace = None if trace is None else Path(trace)

    @property
    def is_detached(self) -> bool:
        return self.large == "detached"

    def open_world(self, seed: Picture, *, rng_seed: int) -> ToyWorld:
        if seed.shape != (self.spec.height, self.spec.width, 3):
            raise ValueError(f"A picture of another size was expected, not {seed.shape}.")
        return (ToyWorld if self.large == "no" else LargeToyWorld)(self, seed, rng_seed)

    def park(self) -> None:
        if self.leaving == DIE:
            die()
        self.note("parked")

    def resume(self) -> None:
        if self.leaving == NO_MEMORY:
            raise MemoryError
        if self.leaving == FAIL:
            raise ZeroDivisionError
        self.note("resumed")

    def close(self) -> None:
        self.note("closed")

    def note(self, line: str) -> None:
        if self._trace is not None:
            with self._trace.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


class BatchedToyEngine(ToyEngine):
    def step_together(self, turns: Sequence[tuple[World, ControlPayload]]) -> list[Frames | EngineFaultError]:
        self.note(" ".join(str(cast("ToyWorld", world).rng_seed) for world, _ in turns))
        time.sleep(self.pass_s)
        results: list[Frames | EngineFaultError] = []
        for world, control in turns:
            try:
                results.append(cast("ToyWorld", world).advance(control))
            except EngineFaultError as error:
                results.append(error)
        return results


class ToyWorld:
    def __init__(self, engine: ToyEngine, seed: Picture, rng_seed: int) -> None:
        self._engine = engine
        self._scene = seed.astype(np.int64)
        self.rng_seed = rng_seed
        self._passes, self._mouse, self._words = 0, 0.0, ""
        self._is_open = True
        self._dies_in_snapshot = self._dies_in_write = False

    def step(self, control: ControlPayload) -> Frames:
        self._engine.note(str(self.rng_seed))
        time.sleep(self._engine.pass_s)
        return self.advance(control)

    def advance(self, control: ControlPayload) -> Frames:
        self._check()
        if misdeeds := control.buttons & {DIE, HANG, FAIL, NO_MEMORY, BAD_SHAPE, DIE_IN_SNAPSHOT, DIE_IN_WRITE}:
            return self._misbehave(misdeeds)
        self._passes += 1
        self._mouse += control.mouse_dx
        spec = self._engine.spec
        frames = np.empty((spec.frames_per_pass, spec.height, spec.width, 3), np.uint8)
        for at, frame in enumerate(frames):
            value = self.rng_seed + 31 * self._passes + 7 * at + int(self._mouse) + sum(control.buttons)
            np.copyto(frame, self._scene + value + len(self._words), casting="unsafe")
        return frames

    def continue_from(self, picture: Picture) -> None:
        self._check()
        self._scene = picture.astype(np.int64)

    def set_prompt(self, words: str) -> None:
        self._check()
        self._words = words

    def snapshot(self) -> WorldSnapshot:
        self._check()
        if self._dies_in_snapshot:
            die()
        ballast = bytes(self._engine.state_bytes)
        return WorldSnapshot(
            self._engine.spec.model_id,
            self._engine.spec.weights_hash,
            _STATE.pack(self._passes, self._mouse) + ballast + self._words.encode(),
        )

    def restore(self, snapshot: WorldSnapshot) -> None:
        self._check()
        if snapshot.model_id != self._engine.spec.model_id:
            raise SnapshotMismatchError("The snapshot is of another model.")
        self._passes, self._mouse = _STATE.unpack_from(snapshot.state)
        self._words = bytes(snapshot.state)[_STATE.size + self._engine.state_bytes :].decode()

    def close(self) -> None:
        self._engine.note(f"closed {self.rng_seed}")
        self._is_open = False

    def _check(self) -> None:
        if not self._is_open:
            raise WorldClosedError("This world is closed.")

    def _misbehave(self, misdeeds: frozenset[int]) -> Frames:
        if DIE in misdeeds:
            die()
        if HANG in misdeeds:
            re.match(r"(a+)+$", "a" * 60 + "b")  # for ages, and no other thread of the process runs meanwhile
        if FAIL in misdeeds:
            raise EngineFaultError("The toy fell over.")
        if NO_MEMORY in misdeeds:
            raise MemoryError
        self._dies_in_snapshot = DIE_IN_SNAPSHOT in misdeeds
        self._dies_in_write = DIE_IN_WRITE in misdeeds
        return np.zeros((1, 2, 3) if BAD_SHAPE in misdeeds else (2, *SPEC_PICTURE), np.uint8)


class LargeToyWorld(ToyWorld):
    """Writes its state where it is told to."""

    def copy_state(self) -> ToyState:
        kept = self.snapshot().state
        return ToyState(kept, self._engine.is_detached, die if self._dies_in_write else lambda: None)


@dataclass(frozen=True)
class ToyState:
    state: bytes | memoryview
    is_detached: bool
    before: Callable[[], None] = lambda: None

    @property
    def size(self) -> int:
        return len(self.state)

    def write(self, place: memoryview) -> None:
        half = self.size // 2
        place[:half] = self.state[:half]
        self.before()
        place[half:] = self.state[half:]


SPEC_PICTURE: Final = (SPEC.height, SPEC.width, 3)


def die() -> None:
    faulthandler.disable()
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


# ---------------------------------------------------------------------------------------------- factories


def load_toy(
    quant: str,
    report: LoadReport,
    *,
    batched: bool = True,
    pass_s: float = 0.0,
    state_bytes: int = 0,
    said_bytes: int = 0,
    large: str = "no",
    trace: str | None = None,
    size: tuple[int, int, int] = (SPEC.height, SPEC.width, SPEC.frames_per_pass),
    dies_when: str | None = None,
    leaving: int | None = None,
) -> ToyEngine:
    """`dies_when` is a file: while it is there, loading ends the process. `said_bytes` is what the spec says of states.

    `large`: "attached" and "detached" worlds write their states to where they stay. `leaving` is what an engine does on
    its way from its device and back: 0 nothing, or a misdeed; None: it cannot leave.
    """
    report(LoadStep.READING)
    if quant == "refused":
        raise ModelLoadError("Toys do not come refused.")
    if dies_when is not None and Path(dies_when).exists():
        die()
    report(LoadStep.WARMING_UP)
    height, width, frames = size
    spec = WorldSpec(SPEC.model_id, SPEC.title, height, width, frames, SPEC.fps, SPEC.weights_hash)
    spec = replace(spec, snapshot_bytes=said_bytes, can_park=leaving is not None)
    kind = BatchedToyEngine if batched else ToyEngine
    engine = kind(spec, pass_s=pass_s, state_bytes=state_bytes, trace=trace)
    engine.large = large
    engine.leaving = leaving or 0
    return engine


def load_broken(quant: str, report: LoadReport) -> ToyEngine:
    del quant, report
    raise OSError("/home/somebody/model.safetensors is truncated")


def load_starved(quant: str, report: LoadReport) -> ToyEngine:
    del quant, report
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")


def load_for_ever(quant: str, report: LoadReport) -> ToyEngine:
    del quant
    report(LoadStep.READING)
    time.sleep(3600)
    raise AssertionError


def load_fake(quant: str, report: LoadReport) -> FakeWorldEngine:
    """The engine of most tests of sessions, whose frames say what they were made from."""
    del quant
    report(LoadStep.READING)
    return FakeWorldEngine()
