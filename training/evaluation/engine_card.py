"""The card of any world engine, from play in pictures without a truth: does it obey, stay, come back and keep up?

A hand does one thing a pass: pixels of the mouse and held keys. What came of it is read from the last frames of passes.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import cv2
import numpy as np

from services.world_engine.world_engine import NO_CONTROL, ControlPayload
from training.evaluation.measures import brightness, change, contrast, correlation, gain, laplacian_energy, psnr
from training.evaluation.optics import Odometer
from wire_protocol import KEY_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from services.world_engine.world_engine import World, WorldEngine, WorldSpec
    from training.evaluation.trials import Picture

Axis: TypeAlias = Literal["yaw", "pitch", "forward", "strafe"]

AXES: Final[tuple[Axis, ...]] = ("yaw", "pitch", "forward", "strafe")
WINDOW: Final = 100  # frames of long play that are put together
_HALF_VIEW: Final = math.radians(36.0)  # of the width; engines do not tell theirs, so that readings are proportions
_READ_WIDTH: Final = 224  # pixels, at most
_MOUSE: Final = 300.0  # pixels a second at most, of a calm hand
_AWAY: Final = 400.0  # pixels of a turn away
_AWAY_S: Final = 0.5  # that it takes
_HELD_S: Final = (0.2, 0.7)  # how long a hand does one thing
_LONGEST_DELAY_S: Final = 0.5
_NOTED_EVERY: Final = 5  # frames of long play
_SHOWN: Final = 7  # frames of long play


@dataclass(frozen=True, slots=True)
class CardPlan:
    """How much is played, in seconds and frames of the world."""

    control_s: float = 20.0  # for each axis
    idle_s: float = 10.0
    away_s: tuple[float, ...] = (1.0, 4.0, 16.0, 64.0)
    play_frames: int = 2000


QUICK_CARD: Final = CardPlan(control_s=6.0, idle_s=2.0, away_s=(1.0, 4.0), play_frames=300)


@dataclass(frozen=True, slots=True)
class Control:
    """What pictures showed against what the hand did, pass by pass, at the delay that fits best.

    None where the pictures never moved.
    """

    sign: float | None  # share of the passes with a command in which the motion had its sign
    correlation: float | None
    gain: float | None  # rad a pixel of the mouse, or m a pass for a held key
    delay_frames: int | None


@dataclass(frozen=True, slots=True)
class Course:
    """Long play: means over windows, as shares of the picture that it began with."""

    brightness: list[float]
    contrast: list[float]
    detail: list[float]  # Laplacian energy

    def worst(self) -> dict[str, float]:
        """Of each, the share that is farthest from 1."""
        parts = {"brightness": self.brightness, "contrast": self.contrast, "detail": self.detail}
        return {name: max(shares, key=lambda share: abs(math.log(max(share, 1e-3)))) for name, shares in parts.items()}


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """One engine in one picture."""

    control: Mapping[Axis, Control]
    idle_change: float  # mean absolute change of colours from frame to frame, 0 to 1
    idle_drift: float  # of the last frame from the first
    returned: dict[float, float]  # dB against what was there, by seconds away
    course: Course
    shown: tuple[Picture, ...]  # frames of the long play, at equal distances
    pass_ms: tuple[float, float]  # p50 and p95 of a pass on this machine
    state_bytes: int


def judge(engine: WorldEngine, seed: Picture, plan: CardPlan, *, rng_seed: int = 0) -> EngineFigures:
    """Play one picture, uint8 [h, w, 3] of the engine's size. The figures but for `pass_ms` are functions of the
    arguments."""
    player = _Player(engine, seed, rng_seed)
    control: dict[Axis, Control] = {axis: player.control(axis, plan.control_s) for axis in AXES}
    idle_change, idle_drift = player.idle(plan.idle_s)
    returned = {away: player.returned(away) for away in plan.away_s}
    course, shown, state_bytes = player.play(plan.play_frames)
    p50, p95 = (float(value) for value in 1000.0 * np.percentile(player.pass_s, (50.0, 95.0)))
    return EngineFigures(control, idle_change, idle_drift, returned, course, shown, (p50, p95), state_bytes)


class _Player:
    """Opens a world for each question, so that no answer depends on another."""

    def __init__(self, engine: WorldEngine, seed: Picture, rng_seed: int) -> None:
        self._engine, self._seed, self._rng_seed = engine, seed, rng_seed
        self._spec: WorldSpec = engine.spec
        # Motion is read from small pictures: it is told by large things, and a reading costs less than a pass then.
        self._width = min(_READ_WIDTH, self._spec.width)
        self._height = round(self._width * self._spec.height / self._spec.width)
        self._odometer = Odometer(self._height, self._width, 0.5 * self._width / math.tan(_HALF_VIEW))
        self.pass_s: list[float] = []  # how long each pass took

    def control(self, axis: Axis, seconds: float) -> Control:
        rng = np.random.default_rng([self._rng_seed, AXES.index(axis)])
        commands = self._commands(rng, self._passes(seconds))
        hands = [self._hand(axis, command) for command in commands]
        shown = [self._small(frames[-1]) for frames in self._frames(hands)]
        before = self._small(self._seed)
        read: list[float] = []
        for picture in shown:
            read.append(self._read(axis, before, picture))
            before = picture
        scale = _MOUSE * self._spec.pass_interval_s if axis in ("yaw", "pitch") else 1.0
        return _control_of(commands * scale, np.array(read), self._passes(_LONGEST_DELAY_S), self._spec)

    def idle(self, seconds: float) -> tuple[float, float]:
        """Changes of colours from frame to frame, and of the last frame from the first."""
        frames = [frame for each in self._frames([NO_CONTROL] * self._passes(seconds)) for frame in each]
        changes = [change(before, after) for before, after in itertools.pairwise(frames)]
        return float(np.mean(changes)), change(frames[0], frames[-1])

    def returned(self, away_s: float) -> float:
        """dB of what is there after a turn away, a wait and the same turn back, against what was there before."""
        turning = self._passes(_AWAY_S)
        waiting = max(0, self._passes(away_s) - turning)
        turn = [ControlPayload(frozenset(), sign * _AWAY / turning, 0.0) for sign in (1.0, -1.0)]
        settle = [NO_CONTROL] * self._passes(_LONGEST_DELAY_S)  # until an eased mouse has come to rest
        hands = [*settle, *[turn[0]] * turning, *[NO_CONTROL] * waiting, *[turn[1]] * turning, *settle]
        shown = [frames[-1] for frames in self._frames(hands)]
        return psnr(shown[-1], shown[len(settle) - 1])

    def play(self, frames: int) -> tuple[Course, tuple[Picture, ...], int]:
        """Walk on with a wandering look."""
        rng = np.random.default_rng([self._rng_seed, 0xCA2D])
        looks = self._commands(rng, -(-frames // self._spec.frames_per_pass))
        pixels = 0.3 * _MOUSE * self._spec.pass_interval_s
        held = frozenset({KEY_CODES["W"]})
        noted: list[tuple[int, float, float, float]] = []
        shown: list[Picture] = [self._seed]
        world = self._engine.open_world(self._seed, rng_seed=self._rng_seed)
        try:
            number = 0
            for look in looks:
                for frame in self._stepped(world, ControlPayload(held, float(look) * pixels, 0.0)):
                    if number % _NOTED_EVERY == 0:
                        noted.append((number // WINDOW, brightness(frame), contrast(frame), laplacian_energy(frame)))
                    number += 1
                    if number % max(1, frames // (_SHOWN - 1)) == 0 and len(shown) < _SHOWN:
                        shown.append(frame.copy())
            size = world.snapshot().size
        finally:
            world.close()
        return self._course(np.array(noted)), tuple(shown), size

    def _course(self, noted: NDArray[np.float64]) -> Course:
        began = np.array([brightness(self._seed), contrast(self._seed), laplacian_energy(self._seed)]) + 1e-6
        windows = [noted[noted[:, 0] == window, 1:].mean(axis=0) / began for window in np.unique(noted[:, 0])]
        return Course(*([float(each[part]) for each in windows] for part in range(3)))

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

    def _small(self, picture: Picture) -> Picture:
        size = self._width, self._height
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _passes(self, seconds: float) -> int:
        return max(1, round(seconds / self._spec.pass_interval_s))

    def _frames(self, hands: list[ControlPayload]) -> Iterator[NDArray[np.uint8]]:
        world = self._engine.open_world(self._seed, rng_seed=self._rng_seed)
        try:
            for hand in hands:
                yield self._stepped(world, hand)
        finally:
            world.close()

    def _stepped(self, world: World, hand: ControlPayload) -> NDArray[np.uint8]:
        begun = time.perf_counter()
        frames = world.step(hand)
        self.pass_s.append(time.perf_counter() - begun)
        return frames


def _held(command: float, ahead: str, back: str) -> frozenset[int]:
    return frozenset() if command == 0.0 else frozenset({KEY_CODES[ahead if command > 0.0 else back]})


def _control_of(commands: NDArray[np.float64], read: NDArray[np.float64], most: int, spec: WorldSpec) -> Control:
    """Compare at the delay, in passes, at which command and reading go together best."""
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
    return Control(sign, best[0], gain(commanded, answered), best[1] * spec.frames_per_pass)


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
