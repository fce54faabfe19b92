"""One frame of motion: from what the player wants and what is in view to the next pose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from world_model.config import FRAME_S
from world_model.pose import Pose

if TYPE_CHECKING:
    from world_model.runtime import Bytes, Runtime

PITCH_LIMIT: Final = math.radians(38.0)
LARGEST_TURN: Final = math.pi  # rad in one frame
_STILL: Final = 1.5e-3  # m in a frame; a smaller step of one who wants none is no step
_AT_REST: Final = 0.02  # m in a frame, the same of one who stood still, whom a quick turn would move a little
_LONGEST_STEP: Final = 0.5  # m in a frame, far above running: no step leaves the picture behind
# Jumps and crouches are known, as the simulator's player does them; the network tells of the ground alone, and hears of
# neither. Its guess of how far below the ground is may be wrong, and would end in a fall, or high above. The eye goes
# down by half of the player's: the lower it is, the more of the ground is seen that lay below the picture.
_JUMP_M_S: Final = 4.2  # upwards
_GRAVITY: Final = 11.0  # m/s^2
FLIGHT: Final = 24  # frames of a jump
_CROUCH_DROP: Final = 0.35  # m, of the eye
_CROUCH_PACE: Final = 1.3 / 2.8  # of a walk's
_STANCE_LEFT: Final = math.exp(-FRAME_S / 0.09)  # what is left of a difference after a frame
_STANCE_SNAP: Final = 2e-3
_STEEPEST: Final = 0.35  # metres up or down in a metre ahead
_LIFT: Final = 0.01  # m in a frame, by which the eye finds back to its height

Step = tuple[float, float, float]  # right, up and forward in metres


@dataclass(frozen=True, slots=True)
class WalkerIntent:
    """What the player asks of the walker in one frame."""

    forward: float = 0.0  # -1 to 1
    strafe: float = 0.0  # -1 to 1, positive to the right
    run: bool = False
    jump: bool = False
    crouch: bool = False
    turn: float = 0.0  # rad, positive to the right
    look_up: float = 0.0  # rad


@dataclass(frozen=True, slots=True)
class MotionState:
    pose: Pose  # of who neither jumps nor crouches
    past: tuple[float, ...] = (0.0,) * 6  # the last two steps along the axes of the look, metres
    airborne_frames: int = 0  # that a jump still takes
    crouch: float = 0.0  # 0 upright, 1 down

    @property
    def eye_above(self) -> float:
        """Metres by which the eye is higher than the pose, of a jump and of a crouch."""
        flown = FLIGHT - self.airborne_frames if self.airborne_frames else 0
        jump = max(0.0, FRAME_S * flown * (_JUMP_M_S - 0.5 * _GRAVITY * FRAME_S * (flown - 1)))
        return jump - _CROUCH_DROP * self.crouch


def next_motion(runtime: Runtime, view: Bytes | None, motion: MotionState, intent: WalkerIntent) -> MotionState:
    """The motion after a frame.

    `view` is uint8 [4, h, w], of which only the disparity is looked at, as seen from the pose of `motion`. None: the
    ground is level and open.
    """
    turn = within(intent.turn, LARGEST_TURN)
    pitch = within(math.atan(motion.pose.slope) + within(intent.look_up, LARGEST_TURN), PITCH_LIMIT)
    step = _step(runtime, view, motion, intent, turn)
    past = (*step, *_turned(motion.past[:3], turn))
    left = FLIGHT if intent.jump and not motion.airborne_frames else motion.airborne_frames
    crouch = _stance(motion.crouch, 1.0 if intent.crouch else 0.0)
    return MotionState(_moved(motion.pose, step, turn, math.tan(pitch)), past, max(0, left - 1), crouch)


def within(value: float, limit: float) -> float:
    """`value` within plus and minus `limit`; NaN is nothing."""
    return 0.0 if math.isnan(value) else max(-limit, min(limit, value))


def _stance(crouch: float, goal: float) -> float:
    crouch = goal + (crouch - goal) * _STANCE_LEFT
    return goal if abs(crouch - goal) < _STANCE_SNAP else crouch


def _step(runtime: Runtime, view: Bytes | None, motion: MotionState, intent: WalkerIntent, turn: float) -> Step:
    forward, strafe, run = within(intent.forward, 1.0), within(intent.strafe, 1.0), float(intent.run)
    if intent.crouch:  # is a slow walk, whatever else is held
        pace = _CROUCH_PACE / max(1.0, math.hypot(forward, strafe))
        forward, strafe, run = pace * forward, pace * strafe, 0.0
    wanted = np.array([forward, strafe, run, 0.0, 0.0], dtype=np.float32)
    step = runtime.walk(view, np.array(motion.past, dtype=np.float32), wanted, turn, motion.pose.slope)
    least = _STILL if any(motion.past[:3]) else _AT_REST
    if not wanted.any() and float(np.abs(step).max()) < least:
        return 0.0, 0.0, 0.0
    right, up, forward = (within(float(length), _LONGEST_STEP) for length in step)
    return right, within(up, _STEEPEST * math.hypot(right, forward) + _LIFT), forward


def _moved(pose: Pose, step: Step, turn: float, slope: float) -> Pose:
    right, up, forward = step
    yaw = math.remainder(pose.yaw + turn, 2.0 * math.pi)
    sin, cos = math.sin(yaw), math.cos(yaw)
    return Pose(
        x=pose.x + right * cos + forward * sin,
        y=pose.y + up,
        z=pose.z - right * sin + forward * cos,
        yaw=yaw,
        slope=slope,
    )


def _turned(step: tuple[float, ...], turn: float) -> Step:
    """A step along the axes of a look that has turned right."""
    right, up, forward = step
    sin, cos = math.sin(turn), math.cos(turn)
    return right * cos - forward * sin, up, right * sin + forward * cos
