"""How people with a mouse and a keyboard move: seeded scripts that answer each state with the next action."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from simulator.config import FPS, FRAME_S
from simulator.player import RUN_SPEED, WALK_SPEED, Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from simulator.player import PlayerState

PolicyName: TypeAlias = Literal["goal_walk", "smooth_look", "wall_hugging", "idle", "look_and_return", "held_keys"]
Script: TypeAlias = Generator[Action, "PlayerState", None]  # endless: yields an action, is sent the state it led to
Policy: TypeAlias = Callable[["np.random.Generator", "PlayerState"], Script]

FASTEST_TURN: Final = 5.0  # rad/s
USUAL_TURN: Final = 2.5
_QUICK_TURN: Final = 3.2
_PITCH_PULL: Final = 0.9  # 1/s: how quickly eyes come back to the horizon
_RESTS_PER_S: Final = 0.3
_BLOCKED_SPEED: Final = 0.5  # m/s; whoever presses forward and is slower than this stands before something
_BLOCKED_FRAMES: Final = 8


class Mouse:
    """Smooth rates of turn and pitch: two Ornstein-Uhlenbeck processes with rests, now and then a flick to the side."""

    def __init__(self, rng: np.random.Generator, *, turn: float, flicks_per_s: float = 0.0) -> None:
        """`turn` is the standard deviation of the yaw rate in rad/s."""
        self._rng = rng
        self._turn = turn
        self._tilt = rng.uniform(0.1, 0.45) * min(turn, 0.8)
        self._memory_s = rng.uniform(0.25, 0.8)
        self._flicks = flicks_per_s * FRAME_S
        self._yaw_rate = turn * rng.normal()
        self._pitch_rate = 0.0
        self._flick = no_turn()
        self._rest = 0  # frames in which the hand does not move the mouse at all

    def move(self, state: PlayerState) -> tuple[float, float]:
        """Radians of yaw and pitch for the next frame."""
        if self._rest > 0:
            self._rest -= 1
            return 0.0, 0.0
        if self._rng.random() < _RESTS_PER_S * FRAME_S:
            self._rest = _frames(self._rng, 0.2, 1.5)
        self._yaw_rate = self._wander(self._yaw_rate, self._turn)
        self._pitch_rate = self._wander(self._pitch_rate, self._tilt)
        if self._rng.random() < self._flicks:
            angle = self._rng.choice([-1.0, 1.0]) * self._rng.uniform(0.5, 1.6)
            self._flick = smooth_turn(angle, self._rng.uniform(2.5, FASTEST_TURN))
        rate = _clamped(self._yaw_rate, USUAL_TURN)
        yaw = next(self._flick, rate * FRAME_S)
        return yaw, (self._pitch_rate - _PITCH_PULL * state.pitch) * FRAME_S

    def _wander(self, rate: float, spread: float) -> float:
        """One step of a process with the given standard deviation and this mouse's memory."""
        keep = math.exp(-FRAME_S / self._memory_s)
        return keep * rate + spread * math.sqrt(1.0 - keep * keep) * self._rng.normal()


@dataclass(frozen=True, slots=True)
class _Keys:
    """What fingers hold, in the fields of an action."""

    forward: float = 0.0
    strafe: float = 0.0
    run: bool = False
    jump: bool = False
    crouch: bool = False

    def with_mouse(self, yaw: float, pitch: float) -> Action:
        return Action(self.forward, self.strafe, self.run, self.jump, self.crouch, yaw, pitch)


def smooth_turn(angle: float, peak_rate: float) -> Generator[float, None, None]:
    """Yaw of each frame of one movement of the hand: minimum jerk, and exactly `angle` in all."""
    frames = max(2, math.ceil(1.875 * abs(angle) / peak_rate * FPS))
    before = 0.0
    for frame in range(1, frames + 1):
        s = frame / frames
        share = s * s * s * (10.0 - 15.0 * s + 6.0 * s * s)
        yield angle * (share - before)
        before = share


def steady_turn(angle: float, rate: float) -> Generator[float, None, None]:
    """Yaw of each frame of a turn at one pace with soft ends, exactly `angle` in all."""
    frames = max(8, math.ceil(abs(angle) / rate * FPS))
    ramp = min(5, frames // 3)
    paces = [min(1.0, (frame + 1) / (ramp + 1), (frames - frame) / (ramp + 1)) for frame in range(frames)]
    yield from (angle * pace / sum(paces) for pace in paces)


def no_turn() -> Generator[float, None, None]:
    yield from ()


def goal_walk(rng: np.random.Generator, state: PlayerState) -> Script:
    """Walks or runs from one goal to the next, steering smoothly; strafes, jumps and stops now and then."""
    calm = Mouse(rng, turn=0.12)
    rate, heading, keys, frames_left, blocked = 0.0, state.yaw, _Keys(forward=1.0), 0, 0
    agility = rng.uniform(1.2, 2.6)
    while True:
        blocked = blocked + 1 if keys.forward and state.speed < _BLOCKED_SPEED else 0
        if frames_left <= 0 or blocked > _BLOCKED_FRAMES:
            spread = 1.7 if blocked > _BLOCKED_FRAMES else 0.6
            heading = state.yaw + spread * rng.normal()
            keys, frames_left = _stride(rng), _frames(rng, 1.0, 4.0)
            blocked = 0
        frames_left -= 1
        away = math.remainder(heading - state.yaw, 2.0 * math.pi)
        rate += 0.2 * (_clamped(agility * away, USUAL_TURN) - rate)  # a hand has inertia
        yaw, pitch = calm.move(state)
        tapped = replace(keys, jump=keys.jump and frames_left % 40 < 4)
        state = yield tapped.with_mouse(yaw + rate * FRAME_S, pitch)


def _stride(rng: np.random.Generator) -> _Keys:
    draw = rng.random()
    if draw < 0.08:
        return _Keys()
    strafe = float(rng.choice([-1.0, 1.0])) if draw < 0.25 else 0.0
    return _Keys(forward=1.0, strafe=strafe, run=bool(rng.random() < 0.35), jump=bool(rng.random() < 0.2))


def smooth_look(rng: np.random.Generator, state: PlayerState) -> Script:
    """Looks around at random, standing or walking."""
    mouse = Mouse(rng, turn=float(rng.choice([0.3, 0.7, 1.2, 1.6])), flicks_per_s=float(rng.choice([0.0, 0.15])))
    walks = rng.random() < 0.55
    keys, frames_left = _Keys(), _frames(rng, 0.2, 2.0)
    while True:
        if frames_left <= 0 and walks:
            keys = _Keys() if rng.random() < 0.3 else _Keys(forward=float(rng.choice([1.0, 1.0, 1.0, -1.0])))
            frames_left = _frames(rng, 0.5, 3.0)
        frames_left -= 1
        state = yield keys.with_mouse(*mouse.move(state))


def wall_hugging(rng: np.random.Generator, state: PlayerState) -> Script:
    """Walks straight on into what is ahead, pushes against it, slides along it, and turns only when tired of that."""
    runs = bool(rng.random() < 0.3)
    calm, turn, strafe = Mouse(rng, turn=0.05), no_turn(), 0.0
    pushed, patience = 0, _frames(rng, 0.8, 3.0)
    while True:
        slowed = state.speed < 0.75 * (RUN_SPEED if runs else WALK_SPEED)
        pushed += slowed
        if pushed > patience:
            turn = smooth_turn(float(rng.choice([-1.0, 1.0])) * rng.uniform(0.4, 2.4), rng.uniform(1.0, 3.5))
            pushed, patience, strafe = 0, _frames(rng, 0.8, 3.0), 0.0
        elif slowed and rng.random() < 0.02:
            strafe = float(rng.choice([-1.0, 0.0, 1.0]))  # feels its way along
        yaw, pitch = calm.move(state)
        state = yield _Keys(forward=1.0, strafe=strafe, run=runs).with_mouse(next(turn, yaw), pitch)


def idle(rng: np.random.Generator, _state: PlayerState) -> Script:
    """Nothing at all, or a brief tap or nudge here and there."""
    taps = rng.random() < 0.5
    while True:
        for _ in range(_frames(rng, 0.4, 3.0)):
            yield Action()
        if not taps:
            continue
        match int(rng.integers(4)):
            case 0:
                keys = _Keys(forward=float(rng.choice([1.0, 1.0, -1.0])))
            case 1:
                keys = _Keys(strafe=float(rng.choice([1.0, -1.0])))
            case 2:
                keys = _Keys(jump=True)
            case _:
                for yaw in smooth_turn(rng.normal(0.0, 0.15), 1.0):
                    yield Action(yaw=yaw)
                continue
        for _ in range(int(rng.integers(1, 6))):
            yield keys.with_mouse(0.0, 0.0)


def look_and_return(rng: np.random.Generator, state: PlayerState) -> Script:
    """Turns away by 60 to 360 degrees at a steady pace and comes back to the same view, mostly standing still."""
    walks = rng.random() < 0.2
    while True:
        side, angle = float(rng.choice([-1.0, 1.0])), _away(rng)
        # Whoever turns far turns fast, so that the way out takes some one or two seconds.
        rate, pause = _clamped(angle / rng.uniform(0.6, 2.0), _QUICK_TURN), _frames(rng, 0.0, 0.7)
        keys = _Keys(forward=1.0) if walks else _Keys()
        for yaw in steady_turn(side * angle, rate):
            state = yield keys.with_mouse(yaw, -_PITCH_PULL * state.pitch * FRAME_S)
        for _ in range(pause):
            state = yield Action()
        if angle < 2.0 * math.pi:
            for yaw in steady_turn(-side * angle, rate * rng.uniform(0.9, 1.2)):
                state = yield keys.with_mouse(yaw, 0.0)
        for _ in range(_frames(rng, 0.1, 1.0)):
            state = yield Action()


def _away(rng: np.random.Generator) -> float:
    """Mostly a look to the side or behind; at times once around, which comes back by itself."""
    return 2.0 * math.pi if rng.random() < 0.2 else math.radians(60.0 + 240.0 * rng.beta(1.0, 2.5))


def held_keys(rng: np.random.Generator, state: PlayerState) -> Script:
    """Everything at random: each choice of keys is held for 5 to 40 frames."""
    mouse = Mouse(rng, turn=float(rng.choice([0.2, 0.8, 1.6])), flicks_per_s=0.1)
    while True:
        keys = _Keys(
            forward=float(rng.choice([1.0, 1.0, 0.0, -1.0])),
            strafe=float(rng.choice([0.0, 0.0, 1.0, -1.0])),
            run=bool(rng.random() < 0.35),
            jump=bool(rng.random() < 0.2),
            crouch=bool(rng.random() < 0.2),
        )
        for _ in range(int(rng.integers(5, 41))):
            state = yield keys.with_mouse(*mouse.move(state))


def _frames(rng: np.random.Generator, least_s: float, most_s: float) -> int:
    return round(rng.uniform(least_s, most_s) * FPS)


def _clamped(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))


POLICIES: Final[Mapping[PolicyName, tuple[float, Policy]]] = MappingProxyType(
    {  # with their shares of the clips
        "goal_walk": (0.25, goal_walk),
        "smooth_look": (0.15, smooth_look),
        "wall_hugging": (0.12, wall_hugging),
        "idle": (0.08, idle),
        "look_and_return": (0.10, look_and_return),
        "held_keys": (0.30, held_keys),
    }
)


def draw_policy(rng: np.random.Generator) -> PolicyName:
    names = list(POLICIES)
    return names[int(rng.choice(len(names), p=[POLICIES[name][0] for name in names]))]
