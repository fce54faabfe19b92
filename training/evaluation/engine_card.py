"""The card of any world engine, from play in pictures without a truth: does it obey, stay, come back and keep up?

A hand does one thing a pass: pixels of the mouse and held keys. What came of it is read from every frame.
"""

from __future__ import annotations

import itertools
import math
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from services.world_engine.world_engine import NO_CONTROL, ControlPayload
from training.evaluation.engines import assumed_half_view
from training.evaluation.measures import (
    brightness,
    change,
    contrast,
    correlation,
    fragments,
    gain,
    laplacian_energy,
    psnr,
)
from training.evaluation.optics import Odometer
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from services.world_engine.world_engine import World, WorldEngine, WorldSpec
    from training.evaluation.trials import Picture

Axis: TypeAlias = Literal["yaw", "pitch", "forward", "strafe"]

AXES: Final[tuple[Axis, ...]] = ("yaw", "pitch", "forward", "strafe")
WINDOW: Final = 100  # frames of long play that are put together
_MOUSE: Final = 300.0  # pixels a second at most, of a calm hand
_AWAY: Final = 1000.0  # pixels of a turn away: more than is seen at a time, where a pixel is as usual
_TURN_S: Final = 0.5  # that it takes
_LOOK_ABOUT: Final = 0.3  # of a calm hand's pace, while away
_HELD_S: Final = (0.2, 0.7)  # how long a hand does one thing
_LONGEST_DELAY_S: Final = 0.5
_NOTED_EVERY: Final = 5  # frames of long play
_SHOWN: Final = 7  # frames of long play


@dataclass(frozen=True, slots=True)
class CardPlan:
    """How much is played, in seconds and frames of the world."""

    control_s: float = 12.0  # for each axis
    idle_s: float = 10.0
    away_s: tuple[float, ...] = (1.0, 4.0, 16.0, 64.0)
    play_frames: int = 2000
    crowd_frames: int = 60


QUICK_CARD: Final = CardPlan(control_s=4.0, idle_s=1.0, away_s=(1.0, 4.0), play_frames=200, crowd_frames=12)


@dataclass(frozen=True, slots=True)
class Control:
    """What pictures showed against what the hand did, frame by frame, at the delay that fits best.

    None where the pictures never moved.
    """

    sign: float | None  # share of the frames with a command in which the motion had its sign
    correlation: float | None
    gain: float | None  # rad a pixel of the mouse; of a held key m/s, or rad/s for steps aside
    delay_frames: int | None


@dataclass(frozen=True, slots=True)
class Returns:
    """dB against what was there, by seconds away."""

    turned: dict[float, float]  # after a turn away, a look about there, and all of it back
    walked: dict[float, float]  # after steps ahead, and as many back


@dataclass(frozen=True, slots=True)
class Course:
    """Long play: means over windows, against the picture that it began with."""

    brightness: list[float]  # of its own
    contrast: list[float]
    detail: list[float]  # Laplacian energy
    fragments: list[float]  # more than it has


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """One engine in one picture."""

    control: Mapping[Axis, Control]
    idle_change: float  # mean absolute change of colours from frame to frame, 0 to 1
    idle_drift: float  # of the last frame from the first
    returned: Returns
    course: Course
    shown: tuple[Picture, ...]  # frames of the long play, at equal distances
    pass_ms: tuple[float, float]  # p50 and p95 of a pass of the long play on this machine
    state_bytes: int  # after the long play


def judge(engine: WorldEngine, seed: Picture, plan: CardPlan, *, rng_seed: int = 0) -> EngineFigures:
    """Play one picture, uint8 [h, w, 3] of the engine's size. The figures but for `pass_ms` are functions of the
    arguments."""
    player = _Player(engine, seed, rng_seed)
    control: dict[Axis, Control] = {axis: player.control(axis, plan.control_s) for axis in AXES}
    idle_change, idle_drift = player.idle(plan.idle_s)
    returned = Returns(
        {away: player.turned_away(away) for away in plan.away_s},
        {away: player.walked_away(away) for away in plan.away_s},
    )
    course, shown, pass_ms, state_bytes = player.play(plan.play_frames)
    return EngineFigures(control, idle_change, idle_drift, returned, course, shown, pass_ms, state_bytes)


class _Player:
    """Opens a world for each question, so that no answer depends on another.

    A first pass without input shows what a world begins with. An engine need not show the picture itself.
    """

    def __init__(self, engine: WorldEngine, seed: Picture, rng_seed: int) -> None:
        self._engine, self._seed, self._rng_seed = engine, seed, rng_seed
        self._spec: WorldSpec = engine.spec
        focal = 0.5 * self._spec.width / math.tan(assumed_half_view(self._spec.model_id))
        self._odometer = Odometer(self._spec.height, self._spec.width, focal)

    def control(self, axis: Axis, seconds: float) -> Control:
        rng = np.random.default_rng([self._rng_seed, AXES.index(axis)])
        commands = self._commands(rng, self._passes(seconds))
        begun, *passes = self._passes_of([NO_CONTROL, *(self._hand(axis, command) for command in commands)])
        frames = [begun[-1], *(frame for each in passes for frame in each)]
        read = np.array([self._read(axis, before, after) for before, after in itertools.pairwise(frames)])
        scale = _MOUSE / self._spec.fps if axis in ("yaw", "pitch") else 1.0 / self._spec.fps
        commanded = scale * np.repeat(commands, self._spec.frames_per_pass)
        return _control_of(commanded, read, round(_LONGEST_DELAY_S * self._spec.fps))

    def idle(self, seconds: float) -> tuple[float, float]:
        """Changes of colours from frame to frame, and of the last frame from the first."""
        frames = [frame for each in self._passes_of([NO_CONTROL] * self._passes(seconds)) for frame in each]
        changes = [change(before, after) for before, after in itertools.pairwise(frames)]
        return float(np.mean(changes)), change(frames[0], frames[-1])

    def turned_away(self, away_s: float) -> float:
        """dB of what is there after a turn away, a look about, and the same turn back, against what was there."""
        turning = self._passes(_TURN_S)
        rng = np.random.default_rng([self._rng_seed, 0xABA])
        about = self._commands(rng, max(0, self._passes(away_s) // 2 - turning))
        pixels = _LOOK_ABOUT * _MOUSE * self._spec.pass_interval_s
        out = [ControlPayload(frozenset(), _AWAY / turning, 0.0)] * turning
        out += [ControlPayload(frozenset(), pixels * float(look), 0.0) for look in about]
        back = [ControlPayload(frozenset(), -hand.mouse_dx, 0.0) for hand in reversed(out)]
        return self._returned(out, back)

    def walked_away(self, away_s: float) -> float:
        """The same after steps ahead for half of the time, and as many back."""
        steps = max(1, self._passes(away_s) // 2)
        out, back = ([ControlPayload(frozenset({KEY_CODES[key]}), 0.0, 0.0)] * steps for key in ("W", "S"))
        return self._returned(out, back)

    def play(self, frames: int) -> tuple[Course, tuple[Picture, ...], tuple[float, float], int]:
        """Walk on with a wandering look: its course, frames of it, p50 and p95 of a pass in ms, bytes of the state."""
        rng = np.random.default_rng([self._rng_seed, 0xCA2D])
        looks = self._commands(rng, -(-frames // self._spec.frames_per_pass))
        pixels = 0.3 * _MOUSE * self._spec.pass_interval_s
        held = frozenset({KEY_CODES["W"]})
        noted: list[tuple[int, ...] | tuple[float, ...]] = []
        pass_s: list[float] = []
        with closing(self._engine.open_world(self._seed, rng_seed=self._rng_seed)) as world:
            begun = world.step(NO_CONTROL)[-1].copy()
            shown = [begun]
            number = 0
            for look in looks:
                started = time.perf_counter()
                made = world.step(ControlPayload(held, float(look) * pixels, 0.0))
                pass_s.append(time.perf_counter() - started)
                for frame in made:
                    if number % _NOTED_EVERY == 0:
                        noted.append((number // WINDOW, *_looks(frame)))
                    number += 1
                    if number % max(1, frames // (_SHOWN - 1)) == 0 and len(shown) < _SHOWN:
                        shown.append(frame.copy())
            size = world.snapshot().size
        p50, p95 = (float(value) for value in 1000.0 * np.percentile(pass_s, (50.0, 95.0)))
        return _course(np.array(noted), np.array(_looks(begun))), tuple(shown), (p50, p95), size

    def _returned(self, out: Sequence[ControlPayload], back: Sequence[ControlPayload]) -> float:
        settle = [NO_CONTROL] * self._passes(_LONGEST_DELAY_S)  # until what eases has come to rest
        left = last = None
        for number, frames in enumerate(self._passes_of([*settle, *out, *settle, *back, *settle])):
            last = frames[-1]
            left = last if number < len(settle) else left
        assert left is not None
        assert last is not None
        return psnr(last, left)

    def _commands(self, rng: np.random.Generator, passes: int) -> NDArray[np.float64]:
        """-1 to 1 for each pass, each held for a while, a third of the time nothing."""
        commands: list[float] = []
        while len(commands) < passes:
            value = float(rng.choice((-1.0, 0.0, 1.0)))
            commands += [value] * self._passes(float(rng.uniform(*_HELD_S)))
        return np.array(commands[:passes])

    def _hand(self, axis: Axis, command: float) -> ControlPayload:
        pixels = command * _MOUSE * self._spec.pass_interval_s
        match axis:
            case "yaw":
                return ControlPayload(frozenset(), pixels, 0.0)
            case "pitch":
                return ControlPayload(frozenset(), 0.0, -pixels)
            case "forward":
                return ControlPayload(_held(command, "W", "S"), 0.0, 0.0)
            case "strafe":
                return ControlPayload(_held(command, "D", "A"), 0.0, 0.0)

    def _read(self, axis: Axis, before: Picture, after: Picture) -> float:
        match axis:
            case "yaw" | "strafe":  # a step aside moves things as a small turn does
                return self._odometer.turn(before, after)
            case "pitch":
                return self._odometer.tilt(before, after)
            case "forward":
                return self._odometer.advance(before, after)

    def _passes(self, seconds: float) -> int:
        return max(1, round(seconds / self._spec.pass_interval_s))

    def _passes_of(self, hands: Sequence[ControlPayload]) -> Iterator[NDArray[np.uint8]]:
        world: World = self._engine.open_world(self._seed, rng_seed=self._rng_seed)
        with closing(world):
            for hand in hands:
                yield world.step(hand)


def _looks(picture: Picture) -> tuple[float, ...]:
    return brightness(picture), contrast(picture), laplacian_energy(picture), float(fragments(picture))


def _course(noted: NDArray[np.float64], begun: NDArray[np.float64]) -> Course:
    windows = np.array([noted[noted[:, 0] == window, 1:].mean(axis=0) for window in np.unique(noted[:, 0])])
    shares = windows[:, :3] / (begun[:3] + 1e-6)
    light, depth, detail = (shares[:, part].tolist() for part in range(3))
    return Course(light, depth, detail, (windows[:, 3] - begun[3]).tolist())


def _held(command: float, ahead: str, back: str) -> frozenset[int]:
    return frozenset() if command == 0.0 else frozenset({KEY_CODES[ahead if command > 0.0 else back]})


def _control_of(commands: NDArray[np.float64], read: NDArray[np.float64], most: int) -> Control:
    """Compare at the delay, at most `most` frames, at which command and reading go together best."""
    best: tuple[float, int] | None = None
    for delay in range(min(most, len(read) - 2) + 1):
        fit = correlation(commands[: len(commands) - delay], read[delay:])
        if fit is not None and (best is None or abs(fit) > abs(best[0])):
            best = fit, delay
    if best is None:
        return Control(None, None, None, None)
    commanded, answered = commands[: len(commands) - best[1]], read[best[1] :]
    asked = commanded != 0.0
    sign = float((np.sign(answered[asked]) == np.sign(commanded[asked])).mean()) if asked.any() else None
    return Control(sign, best[0], gain(commanded, answered), best[1])


def mean_control(found: list[Mapping[Axis, Control]], axis: Axis) -> Control:
    """Over pictures; None where no picture has a figure."""

    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None

    each = [figures[axis] for figures in found]
    delays = [control.delay_frames for control in each if control.delay_frames is not None]
    return Control(
        mean([control.sign for control in each]),
        mean([control.correlation for control in each]),
        mean([control.gain for control in each]),
        round(float(np.median(delays))) if delays else None,
    )
