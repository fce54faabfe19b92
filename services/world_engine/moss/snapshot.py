"""Writes and reads the state of a Moss world: a head of numbers, then its keyframes.

The head is little-endian: version, height and width of a keyframe's picture, how many keyframes are remembered, which
of them the dissolve comes from, frames of the dissolve that were shown, frames that a jump still takes, frames until
what is ordered is due, how many former places of home are remembered, number of the next frame; the pose, the past
steps, how far one crouches, the pace, and the pose that a keyframe is ordered for. Then those places. Then, for each
remembered keyframe and the current one: its slot, its doubt, its pose, where its home was, its origin, its wide
picture, and its picture unless that is home's; then the picture of home. Layers are not written: the network sees them
again in the pictures, which takes some 20 ms each, if the world that is restored does not have them.
"""

from __future__ import annotations

import math
import struct
from dataclasses import astuple, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from services.world_engine.world_engine import SnapshotMismatchError
from world_model.keyframes import CAPACITY, DISSOLVE, HOME, HOMES, LEAD, Keyframe, KeyframeState, Order
from world_model.layers import FINE
from world_model.motion_step import FLIGHT, LARGEST_TURN, PITCH_LIMIT, MotionState
from world_model.origins import Origin, shows
from world_model.pose import Pose
from world_model.walker import WalkerState
from world_model.wide_view import WideView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from world_model.certainty import CertainSeer
    from world_model.layers import Bytes, Layers

_VERSION: Final = 6
_POSE_FIELDS: Final = len(fields(Pose))
_PAST_STEPS: Final = 6
_HEAD: Final = struct.Struct(f"<BHHBBBBBBQ{3 * _POSE_FIELDS + _PAST_STEPS + 1}d")
_PLACE: Final = struct.Struct(f"<{_POSE_FIELDS}d")
_KEYFRAME: Final = struct.Struct(f"<B{1 + 2 * _POSE_FIELDS}d")
_NONE: Final = 255  # in place of a number
_FARTHEST: Final = 1e8  # m; a walk of a year
_LONGEST_STEP: Final = 1.0  # m in a frame; a walker's own limit is shorter along each axis
_MOST_FRAMES: Final = 2**53  # millions of years of play
_STEEPEST: Final = math.tan(PITCH_LIMIT) + 1e-9


def pack_state(state: WalkerState) -> bytes:
    motion, keyframes = state.motion, state.keyframes
    height, width, _ = keyframes.home.shape
    shown = [*keyframes.remembered, keyframes.current]
    previous = next((n for n, old in enumerate(shown) if old is keyframes.previous), _NONE)
    order = keyframes.order
    head = _HEAD.pack(
        _VERSION,
        height,
        width,
        len(keyframes.remembered),
        previous,
        keyframes.dissolved,
        motion.airborne_frames,
        _NONE if order is None else order.due - keyframes.frame,
        len(keyframes.homes),
        keyframes.frame,
        *astuple(motion.pose),
        *motion.past,
        motion.crouch,
        *astuple(keyframes.pace),
        *astuple(Pose() if order is None else order.pose),
    )
    parts: list[Any] = [head, *(_PLACE.pack(*astuple(home)) for home in keyframes.homes)]
    for one in shown:
        parts.append(_KEYFRAME.pack(one.slot, one.layers.doubt, *astuple(one.pose), *astuple(one.home)))
        parts += [one.origin.slot, one.origin.place, one.layers.wide]
        if one.slot != HOME:
            parts.append(one.layers.picture)
    parts.append(keyframes.home)
    return b"".join(parts)


def unpack_state(packed: bytes | memoryview, seer: CertainSeer, known: KeyframeState) -> WalkerState:
    """The inverse of `pack_state`. Layers that `known` has of the same pictures are taken from there.

    Raises:
        SnapshotMismatchError: the bytes are not such a state of a model of this size.
    """
    if len(packed) < _HEAD.size or packed[0] != _VERSION:
        raise SnapshotMismatchError("The snapshot's state was not written by this version of Moss.")
    told: tuple[int, ...] = _HEAD.unpack_from(packed)
    _, height, width, count, previous, dissolved, airborne_frames, due, stood, frame, *numbers = told
    wanted = FINE * seer.config.height, FINE * seer.config.width
    if (height, width) != wanted:
        raise SnapshotMismatchError(
            f"The snapshot's pictures are {width}x{height}; those of this model are {wanted[1]}x{wanted[0]}."
        )
    if count > CAPACITY:
        raise SnapshotMismatchError(f"The snapshot's state is damaged: no world remembers {count} keyframes.")
    if stood > HOMES:
        raise SnapshotMismatchError(f"The snapshot's state is damaged: no world remembers {stood} places of home.")
    homes, at = _read_places(packed, stood)
    around = (*WideView(seer.config).shape, 3)
    written, home = _read_keyframes(packed, at, (height, width, 3), around, count + 1)
    after_motion = _POSE_FIELDS + _PAST_STEPS + 1
    pose, pace, ordered = (
        Pose(*numbers[at : at + _POSE_FIELDS]) for at in (0, after_motion, after_motion + _POSE_FIELDS)
    )
    *past, crouch = numbers[_POSE_FIELDS:after_motion]
    is_plausible = (
        frame < _MOST_FRAMES
        and all(abs(step) <= _LONGEST_STEP for step in past)
        and airborne_frames <= FLIGHT
        and 0.0 <= crouch <= 1.0
        and (due == _NONE or due <= LEAD)
        and (dissolved == 0 if previous == _NONE else previous < count and dissolved < DISSOLVE)
        and all(_is_place(place) for place in (pose, ordered, *homes))
        and _is_pace(pace)
        and _fit_together(written, home)
    )
    if not is_plausible:
        raise SnapshotMismatchError("The snapshot's state is damaged: no player can be in such a place.")
    shown = _seen(written, seer, known)
    return WalkerState(
        MotionState(pose, tuple(past), airborne_frames, crouch),
        KeyframeState(
            home=home,
            current=shown[count],
            previous=None if previous == _NONE else shown[previous],
            dissolved=dissolved,
            remembered=tuple(shown[:count]),
            frame=frame,
            pose=pose,
            pace=pace,
            order=None if due == _NONE else Order(ordered, frame + due),
            homes=homes,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """A keyframe without its layers."""

    slot: int
    doubt: float
    pose: Pose
    home: Pose
    origin: Origin
    wide: Bytes
    picture: Bytes


def _read_places(packed: bytes | memoryview, count: int) -> tuple[tuple[Pose, ...], int]:
    """The places, and where they end.

    Raises:
        SnapshotMismatchError: there are fewer bytes.
    """
    end = _HEAD.size + count * _PLACE.size
    if len(packed) < end:
        raise _wrong_length()
    return tuple(Pose(*place) for place in _PLACE.iter_unpack(packed[_HEAD.size : end])), end


def _read_keyframes(
    packed: bytes | memoryview, at: int, large: tuple[int, ...], around: tuple[int, ...], count: int
) -> tuple[list[_Written], Bytes]:
    """The keyframes, which begin `at` there, and the picture of home, each in memory of its own.

    Raises:
        SnapshotMismatchError: there are fewer bytes, or more.
    """
    small = large[0] // FINE, large[1] // FINE
    home = _array(packed, len(packed) - math.prod(large), large)

    def read(shape: tuple[int, ...], kind: str = "<u1") -> Any:
        nonlocal at
        found = _array(packed, at, shape, kind)
        at += found.nbytes
        return found

    keyframes: list[_Written] = []
    for _ in range(count):
        if len(packed) < at + _KEYFRAME.size:
            raise _wrong_length()
        slot, doubt, *poses = _KEYFRAME.unpack_from(packed, at)
        at += _KEYFRAME.size
        origin = Origin(read(small), read((*small, 2), "<u2"))
        wide = read(around)
        picture = home if slot == HOME else read(large)
        pose, stood = Pose(*poses[:_POSE_FIELDS]), Pose(*poses[_POSE_FIELDS:])
        keyframes.append(_Written(slot, doubt, pose, stood, origin, wide, picture))
    if at != len(packed) - home.nbytes:
        raise _wrong_length()
    return keyframes, home


def _array(packed: bytes | memoryview, at: int, shape: tuple[int, ...], kind: str = "<u1") -> Any:
    size = math.prod(shape) * np.dtype(kind).itemsize
    if at < 0 or len(packed) < at + size:
        raise _wrong_length()
    return np.frombuffer(packed[at : at + size], dtype=kind).reshape(shape).copy()


def _wrong_length() -> SnapshotMismatchError:
    return SnapshotMismatchError("The snapshot's state is damaged: its length is not that of what it should hold.")


def _seen(written: Iterable[_Written], seer: CertainSeer, known: KeyframeState) -> list[Keyframe]:
    def layers(one: _Written) -> Layers:
        for other in (*known.remembered, known.current):
            same = (other.pose.slope, other.layers.doubt) == (one.pose.slope, one.doubt)
            if same and np.array_equal(other.layers.picture, one.picture):
                return replace(other.layers, wide=one.wide)
        return replace(seer.see(one.picture, one.pose.slope, doubt=one.doubt), wide=one.wide)

    return [Keyframe(layers(one), one.pose, one.slot, one.origin, one.home) for one in written]


def _fit_together(keyframes: list[_Written], home: Bytes) -> bool:
    """Whether each origin names pictures and places that there are, and no two keyframes have one slot."""
    slots = [one.slot for one in keyframes]
    return (
        len(set(slots)) == len(slots)
        and max(slots) <= CAPACITY + 2
        and all(0.0 <= one.doubt < math.inf and _is_place(one.pose) and _is_place(one.home) for one in keyframes)
        and all(shows(one.origin, {HOME, *slots}, home.shape) for one in keyframes)
    )


def _is_place(pose: Pose) -> bool:
    """NaN and infinities are in no bounds."""
    return (
        all(abs(metres) < _FARTHEST for metres in (pose.x, pose.y, pose.z))
        and abs(pose.yaw) <= math.pi
        and abs(pose.slope) <= _STEEPEST
    )


def _is_pace(pace: Pose) -> bool:
    return (
        all(abs(metres) <= _LONGEST_STEP for metres in (pace.x, pace.y, pace.z))
        and abs(pace.yaw) <= LARGEST_TURN
        and abs(pace.slope) <= 2.0 * _STEEPEST
    )
