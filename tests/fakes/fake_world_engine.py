"""A world engine whose frames say what they were made from."""

from __future__ import annotations

import struct
import threading
import time
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from services.world_engine.engine_pace import EnginePace
from services.world_engine.world_engine import (
    NO_CONTROL,
    ControlPayload,
    EngineDiedError,
    Frames,
    Picture,
    SceneNotTakenError,
    SnapshotMismatchError,
    WorldClosedError,
    WorldSnapshot,
    WorldSpec,
)
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOLD_LIMIT_S: Final = deadline_s()  # a test that forgets to let go fails instead of hanging
# What a frame says, in its first row: mean colour, rng seed, pass, sub-frame, mouse, buttons as a bit set, and the sum
# of the words that steer the world.
_CONTENT: Final = struct.Struct("<3BIIBff33sI")
_STATE: Final = struct.Struct("<3BII")
_MIN_WIDTH: Final = -(-_CONTENT.size // 3)


class FakeEngineError(RuntimeError):
    """The failure that a test asked for."""


@dataclass(frozen=True, slots=True)
class FakeFrameContent:
    """What one frame of a `FakeWorld` was made from. Passes count from 1, sub-frames from 0.

    `words` is the `words_sum` of those that steer the world.
    """

    seed_mean: tuple[int, int, int]
    rng_seed: int
    pass_number: int
    sub_frame: int
    buttons: frozenset[int]
    mouse_dx: float
    mouse_dy: float
    words: int


def words_sum(words: str) -> int:
    return zlib.crc32(words.encode())


def fake_seed(red: int, green: int = 0, blue: int = 0, *, height: int = 32, width: int = 48) -> Picture:
    """A picture of one colour, which is then the `seed_mean` of every frame."""
    picture = np.empty((height, width, 3), dtype=np.uint8)
    picture[:] = (red, green, blue)
    return picture


def read_frame(frame: NDArray[np.uint8]) -> FakeFrameContent:
    """Read a frame of a `FakeWorld` as `step` returned it."""
    return read_first_row(frame[0].tobytes())


def read_first_row(row: bytes) -> FakeFrameContent:
    """The same from the bytes of the first row, which `FakeFrameEncoder` hands on."""
    red, green, blue, rng_seed, number, sub_frame, dx, dy, bits, words = _CONTENT.unpack(row[: _CONTENT.size])
    held = int.from_bytes(bits, "little")
    buttons = frozenset(code for code in range(held.bit_length()) if held >> code & 1)
    return FakeFrameContent((red, green, blue), rng_seed, number, sub_frame, buttons, dx, dy, words)


class FakeWorldEngine:
    """Small, quick and obedient.

    `hold()` keeps every following `step` waiting until `release()`; `wait_until_held()` returns once one waits.
    `fail_at(n)` makes the n-th pass of each world fail, `fail_next(k)` the next k passes of any.
    """

    def __init__(
        self,
        model_id: str = "fake/world",
        *,
        height: int = 32,
        width: int = 48,
        frames_per_pass: int = 2,
        fps: int = 60,
        weights_hash: str = "f00d",
        max_worlds: int | None = None,
        step_s: float = 0.0,
        hears_words: bool = False,
        draws_any_size: bool = False,
        can_park: bool = False,
    ) -> None:
        if width < _MIN_WIDTH:
            raise ValueError(f"A frame says its content in one row, and needs {_MIN_WIDTH} pixels for it.")
        self._spec = WorldSpec(
            model_id=model_id,
            title=f"Fake {model_id}",
            height=height,
            width=width,
            frames_per_pass=frames_per_pass,
            fps=fps,
            weights_hash=weights_hash,
            max_worlds=max_worlds,
            draws_any_size=draws_any_size,
            can_park=can_park,
        )
        self.step_s = step_s
        self._hears_words = hears_words
        self.pace = EnginePace({}, is_batched=False)  # what it says was measured
        self.is_closed = False
        self.is_parked = False
        self.worlds: list[FakeWorld] = []  # every world ever opened, in order
        self._lock = threading.Lock()
        self._gate = threading.Event()
        self._gate.set()
        self._held = threading.Event()
        self._fail_at: int | None = None
        self._failures_left = 0
        self._refusals_left = 0
        self._takes_scenes = True
        self._dies_at, self._deaths_left = 0, 0

    @property
    def spec(self) -> WorldSpec:
        return self._spec

    @property
    def open_worlds(self) -> int:
        with self._lock:
            return sum(not world.is_closed for world in self.worlds)

    def fail_to_open(self, times: int) -> None:
        """Make the next worlds fail to open."""
        with self._lock:
            self._refusals_left = times

    def refuse_scenes(self) -> None:
        """Have no world go on from another picture."""
        self._takes_scenes = False

    def open_world(self, seed: Picture, *, rng_seed: int) -> FakeWorld:
        if self.is_closed:
            raise RuntimeError("The engine is closed.")
        if self.is_parked:
            raise AssertionError("A world was opened in an engine that is parked.")
        with self._lock:
            refuses = self._refusals_left > 0
            self._refusals_left -= refuses
        if refuses:
            raise FakeEngineError("No world opens, as the test asked.")
        if self._spec.max_worlds is not None and self.open_worlds >= self._spec.max_worlds:
            raise RuntimeError("No more worlds fit.")
        kind = FakePromptedWorld if self._hears_words else FakeDrawnWorld if self._spec.draws_any_size else FakeWorld
        world = kind(self, seed, rng_seed)
        with self._lock:
            self.worlds.append(world)
        return world

    def park(self) -> None:
        if self.open_worlds:
            raise AssertionError(f"The engine was parked with {self.open_worlds} worlds open.")
        if self.is_parked or self.is_closed:
            raise AssertionError("An engine was parked that was parked or closed.")
        self.is_parked = True

    def resume(self) -> None:
        if not self.is_parked:
            raise AssertionError("An engine came back that was not parked.")
        self.is_parked = False

    def close(self) -> None:
        if self.open_worlds:
            raise AssertionError(f"The engine was closed with {self.open_worlds} worlds open.")
        self.is_closed = True

    def hold(self) -> None:
        self._held.clear()
        self._gate.clear()

    def release(self) -> None:
        self._gate.set()

    def wait_until_held(self) -> None:
        if not self._held.wait(HOLD_LIMIT_S):
            raise AssertionError("No step came to be held.")

    def fail_at(self, pass_number: int | None) -> None:
        self._fail_at = pass_number

    def die_at(self, pass_number: int, *, times: int = 1) -> None:
        """Have its process end at that pass. It begins again with the next world."""
        with self._lock:
            self._dies_at, self._deaths_left = pass_number, times

    def fail_next(self, count: int) -> None:
        with self._lock:
            self._failures_left = count

    def before_scene(self) -> None:
        """Called by the worlds. Raises: SceneNotTakenError."""
        if not self._takes_scenes:
            raise SceneNotTakenError("This scene is not taken, as the test asked.")

    def before_step(self, pass_number: int) -> None:
        """Wait, be slow and fail as told. Called by the worlds."""
        if not self._gate.is_set():
            self._held.set()
            if not self._gate.wait(HOLD_LIMIT_S):
                raise AssertionError("The test never let go of the engine.")
        if self.step_s > 0:
            time.sleep(self.step_s)
        with self._lock:
            fails = self._failures_left > 0
            self._failures_left -= fails
            dies = self._deaths_left > 0 and pass_number == self._dies_at
            self._deaths_left -= dies
        if dies:
            raise EngineDiedError(f"The process ended at pass {pass_number}, as the test asked.")
        if fails or pass_number == self._fail_at:
            raise FakeEngineError(f"Pass {pass_number} failed, as the test asked.")


class FakeWorld:
    """`controls` holds what each successful pass was given, `pass_number` how many there were."""

    def __init__(self, engine: FakeWorldEngine, seed: Picture, rng_seed: int) -> None:
        self._engine = engine
        self._rng_seed = rng_seed % 2**32
        self._busy = threading.Lock()
        self._mean = self._mean_of(seed)
        self.pass_number = 0
        self.words = ""
        self.is_closed = False
        self.controls: list[ControlPayload] = []

    def step(self, control: ControlPayload) -> Frames:
        self._go_on(control)
        spec = self._engine.spec
        return self._paint(control, spec.width, spec.height)

    def _go_on(self, control: ControlPayload) -> None:
        self._check_open()
        if not self._busy.acquire(blocking=False):
            raise AssertionError("Two threads used one world at a time.")
        try:
            self._engine.before_step(self.pass_number + 1)
            self.pass_number += 1
            self.controls.append(control)
        finally:
            self._busy.release()

    def continue_from(self, picture: Picture) -> None:
        self._check_open()
        self._engine.before_scene()
        self._mean = self._mean_of(picture)

    def snapshot(self) -> WorldSnapshot:
        self._check_open()
        spec = self._engine.spec
        return WorldSnapshot(
            spec.model_id, spec.weights_hash, _STATE.pack(*self._mean, self._rng_seed, self.pass_number)
        )

    def restore(self, snapshot: WorldSnapshot) -> None:
        self._check_open()
        spec = self._engine.spec
        if (snapshot.model_id, snapshot.weights_hash) != (spec.model_id, spec.weights_hash):
            raise SnapshotMismatchError("The snapshot is of another model.")
        if len(snapshot.state) != _STATE.size:
            raise SnapshotMismatchError("The snapshot is damaged.")
        red, green, blue, self._rng_seed, self.pass_number = _STATE.unpack(snapshot.state)
        self._mean = (red, green, blue)

    def close(self) -> None:
        self.is_closed = True

    def _check_open(self) -> None:
        if self.is_closed:
            raise WorldClosedError("The world is closed.")

    def _mean_of(self, picture: Picture) -> tuple[int, int, int]:
        spec = self._engine.spec
        if picture.shape != (spec.height, spec.width, 3) or picture.dtype != np.uint8:
            raise ValueError(f"A seed of {spec.height} x {spec.width} was expected, not {picture.shape}.")
        red, green, blue = (round(float(value)) for value in picture.reshape(-1, 3).mean(axis=0))
        return red, green, blue

    def _paint(self, control: ControlPayload, width: int, height: int) -> Frames:
        frames = np.empty((self._engine.spec.frames_per_pass, height, width, 3), dtype=np.uint8)
        frames[:] = self._mean
        held = sum(1 << code for code in control.buttons).to_bytes(33, "little")
        for sub_frame, frame in enumerate(frames):
            content = _CONTENT.pack(
                *self._mean,
                self._rng_seed,
                self.pass_number,
                sub_frame,
                control.mouse_dx,
                control.mouse_dy,
                held,
                words_sum(self.words),
            )
            row = frame[0].reshape(-1)
            said = np.frombuffer(content, dtype=np.uint8)[: len(row)]  # a frame that is too narrow says less
            row[: len(said)] = said
        return frames


class FakeDrawnWorld(FakeWorld):
    """A `DrawnWorld`. `drawn` says how often it drew: width, height, and whether it was the last frame alone."""

    def __init__(self, engine: FakeWorldEngine, seed: Picture, rng_seed: int) -> None:
        super().__init__(engine, seed, rng_seed)
        self.drawn: list[tuple[int, int, bool]] = []
        self._newest: ControlPayload | None = None  # of the newest pass, where one was made since the world came here

    def step(self, control: ControlPayload) -> Frames:
        self._newest = control
        return super().step(control)

    def advance(self, control: ControlPayload) -> None:
        self._go_on(control)
        self._newest = control

    def draw(self, *, width: int, height: int, only_last: bool = False) -> Frames:
        self._check_open()
        self.drawn.append((width, height, only_last))
        frames = self._paint(self._newest or NO_CONTROL, width, height)
        return np.ascontiguousarray(frames[-1:]) if only_last or self._newest is None else frames

    def continue_from(self, picture: Picture) -> None:
        super().continue_from(picture)
        self._newest = None

    def restore(self, snapshot: WorldSnapshot) -> None:
        super().restore(snapshot)
        self._newest = None


class FakePromptedWorld(FakeWorld):
    """Words steer it. The next `fails_to_hear` of them make it fail."""

    fails_to_hear = 0

    def set_prompt(self, words: str) -> None:
        self._check_open()
        if self.fails_to_hear:
            self.fails_to_hear -= 1
            raise FakeEngineError("The words could not be read, as the test asked.")
        self.words = words

    def snapshot(self) -> WorldSnapshot:
        return replace(taken := super().snapshot(), state=bytes(taken.state) + self.words.encode())

    def restore(self, snapshot: WorldSnapshot) -> None:
        state = bytes(snapshot.state)
        super().restore(replace(snapshot, state=state[: _STATE.size]))
        self.words = state[_STATE.size :].decode()
