"""The player's motion: turns held keys and mouse motion into a position and a view, one sub-frame at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.world_engine.diorama.constants import EYE_HEIGHT, FRAME_S, FRAMES_PER_PASS
from services.world_engine.player_keys import LOOK_PER_PIXEL, TURN_SPEED

if TYPE_CHECKING:
    from services.world_engine.player_keys import PlayerIntent

WALK_SPEED: Final = 2.0  # m/s
RUN_SPEED: Final = 4.8
CROUCH_SPEED: Final = 1.0
CROUCH_DROP: Final = 0.45  # m
HOP_SPEED: Final = 3.1  # m/s, upwards
GRAVITY: Final = 9.8

SPEED_UP_S: Final = 0.16  # time constants with which speed, stance and turn rate approach their goals
SLOW_DOWN_S: Final = 0.24
STANCE_S: Final = 0.10
TURN_S: Final = 0.08

PITCH_LIMIT: Final = math.radians(46.0)
BOB_HEIGHT: Final = 0.018
BOB_PER_METRE: Final = 2.0 * math.pi / 1.5

# A pass's mouse pixels are spread over its own sub-frames and the first two of the next pass. Weights four apart add up
# to a quarter, so a steady motion turns the view by the same angle in every sub-frame, across passes too.
_LOOK_SHARES: Final = (2 / 16, 3 / 16, 4 / 16, 4 / 16, 2 / 16, 1 / 16, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Player:
    """Position and motion. Yaw is -pi to pi, positive to the right; tilt is the unlimited pitch, positive upwards."""

    x: float = 0.0
    z: float = 0.0
    vx: float = 0.0
    vz: float = 0.0
    yaw: float = 0.0
    tilt: float = 0.0
    turn_rate: float = 0.0
    lift: float = 0.0  # height of the feet above the ground
    lift_speed: float = 0.0
    crouch: float = 0.0  # 0 upright, 1 down
    stride: float = 0.0  # rad, phase of the head bob
    late_dx: float = 0.0  # mouse pixels of the last pass, which are partly not applied yet
    late_dy: float = 0.0

    @property
    def pitch(self) -> float:
        return PITCH_LIMIT * math.tanh(self.tilt / PITCH_LIMIT)

    @property
    def speed(self) -> float:
        return math.hypot(self.vx, self.vz)

    @property
    def eye(self) -> float:
        """Height of the eye above the ground."""
        bob = BOB_HEIGHT * min(1.0, self.speed / WALK_SPEED) * math.sin(self.stride)
        return EYE_HEIGHT + self.lift + bob - CROUCH_DROP * self.crouch


def look_steps(pixels: float, late: float) -> tuple[float, ...]:
    """The mouse pixels of each sub-frame in a pass, from its own delta and that of the previous pass."""
    return tuple(_LOOK_SHARES[i] * pixels + _LOOK_SHARES[i + FRAMES_PER_PASS] * late for i in range(FRAMES_PER_PASS))


def advance(player: Player, intent: PlayerIntent, look_x: float, look_y: float) -> Player:
    """The player one sub-frame later. `look_x` and `look_y` are the mouse pixels of that sub-frame."""
    turn_rate = _approach(player.turn_rate, intent.turn * TURN_SPEED, TURN_S)
    yaw = wrap(player.yaw + look_x * LOOK_PER_PIXEL + turn_rate * FRAME_S)
    tilt = max(-2.0 * PITCH_LIMIT, min(2.0 * PITCH_LIMIT, player.tilt - look_y * LOOK_PER_PIXEL))

    target_x, target_z = _target_velocity(intent, yaw)
    time_constant = SPEED_UP_S if _speed(intent) > player.speed else SLOW_DOWN_S
    vx = _approach(player.vx, target_x, time_constant)
    vz = _approach(player.vz, target_z, time_constant)
    lift, lift_speed = _fall(player.lift, player.lift_speed, hop=intent.jump)
    on_ground = lift == 0.0
    return Player(
        x=player.x + vx * FRAME_S,
        z=player.z + vz * FRAME_S,
        vx=vx,
        vz=vz,
        yaw=yaw,
        tilt=tilt,
        turn_rate=turn_rate,
        lift=lift,
        lift_speed=lift_speed,
        crouch=_approach(player.crouch, 1.0 if intent.crouch else 0.0, STANCE_S),
        stride=math.fmod(player.stride + on_ground * math.hypot(vx, vz) * FRAME_S * BOB_PER_METRE, 2.0 * math.pi),
        late_dx=player.late_dx,
        late_dy=player.late_dy,
    )


def wrap(angle: float) -> float:
    """The same direction in [-pi, pi]."""
    return math.remainder(angle, 2.0 * math.pi)


def _speed(intent: PlayerIntent) -> float:
    if intent.ahead == 0 and intent.aside == 0:
        return 0.0
    if intent.crouch:
        return CROUCH_SPEED
    return RUN_SPEED if intent.run else WALK_SPEED


def _target_velocity(intent: PlayerIntent, yaw: float) -> tuple[float, float]:
    speed = _speed(intent)
    if speed == 0.0:
        return 0.0, 0.0
    scale = speed / math.hypot(intent.ahead, intent.aside)
    sin, cos = math.sin(yaw), math.cos(yaw)
    return scale * (intent.ahead * sin + intent.aside * cos), scale * (intent.ahead * cos - intent.aside * sin)


def _fall(lift: float, speed: float, *, hop: bool) -> tuple[float, float]:
    if lift == 0.0 and not hop:
        return 0.0, 0.0
    speed = HOP_SPEED if lift == 0.0 else speed - GRAVITY * FRAME_S
    lift += speed * FRAME_S
    return (lift, speed) if lift > 0.0 else (0.0, 0.0)


def _approach(value: float, goal: float, time_constant: float) -> float:
    """Approach `goal` exponentially, and snap to it once the difference is below 0.001."""
    value = goal + (value - goal) * math.exp(-FRAME_S / time_constant)
    return goal if abs(value - goal) < 1e-3 else value
