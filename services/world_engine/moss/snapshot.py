"""Writes and reads the state of a Moss world: a head of numbers, then the views as they are.

The head is little-endian: version, height, width, how many views are remembered besides home, which of them is the
anchor (home is 0; or that it is one apart), frames that a jump may still take, rng seed, frame, the pose, the past
steps. Then come the poses of home, of the remembered views, and of an anchor apart; then the bytes of the last view,
and of those views in the same order.
"""

from __future__ import annotations

import math
import struct
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from services.world_engine.world_engine import SnapshotMismatchError
from world_model.memory import CAPACITY, Pose, Remembered
from world_model.motion_step import FLIGHT, PITCH_LIMIT
from world_model.walker import WalkerState

if TYPE_CHECKING:
    from world_model.config import ModelConfig

_VERSION: Final = 2
_POSE_FIELDS: Final = len(fields(Pose))
_PAST_STEPS: Final = 6
_HEAD: Final = struct.Struct(f"<BHHBBBQQ{_POSE_FIELDS + _PAST_STEPS}d")
_POSE: Final = struct.Struct(f"<{_POSE_FIELDS}d")
_APART: Final = 255  # in place of the anchor's number
_FARTHEST: Final = 1e8  # m; a walk of a year
_LONGEST_STEP: Final = 1.0  # m in a frame; a walker's own limit is shorter along each axis
_MOST_FRAMES: Final = 2**53  # millions of years of play
_STEEPEST: Final = math.tan(PITCH_LIMIT) + 1e-9


def pack_state(state: WalkerState) -> bytes:
    _, height, width = state.view.shape
    shared = (state.home, *state.memory)
    number = next((n for n, old in enumerate(shared) if old is state.anchor), _APART)
    kept = shared if number != _APART else (*shared, state.anchor)
    numbers = (*astuple(state.pose), *state.past)
    counts = (len(state.memory), number, state.airborne_frames)
    head = _HEAD.pack(_VERSION, height, width, *counts, state.rng_seed, state.frame, *numbers)
    poses = [_POSE.pack(*astuple(old.pose)) for old in kept]
    return b"".join((head, *poses, state.view.tobytes(), *(old.view.tobytes() for old in kept)))


def unpack_state(packed: bytes, config: ModelConfig) -> WalkerState:
    """The inverse of `pack_state`.

    Raises:
        SnapshotMismatchError: the bytes are not such a state of a model of this size.
    """
    if len(packed) < _HEAD.size or packed[0] != _VERSION:
        raise SnapshotMismatchError("The snapshot's state was not written by this version of Moss.")
    _, height, width, remembered, number, airborne_frames, rng_seed, frame, *numbers = _HEAD.unpack_from(packed)
    if (height, width) != (config.height, config.width):
        raise SnapshotMismatchError(
            f"The snapshot's views are {width}x{height}; those of this model are {config.width}x{config.height}."
        )
    count = 1 + remembered + (number == _APART)
    poses_end = _HEAD.size + count * _POSE.size
    is_whole = len(packed) == poses_end + (1 + count) * 4 * height * width
    if remembered > CAPACITY or not (number <= remembered or number == _APART) or not is_whole:
        raise SnapshotMismatchError("The snapshot's state is damaged: its length is not that of what it should hold.")
    poses = [Pose(*values) for values in _POSE.iter_unpack(packed[_HEAD.size : poses_end])]
    views = np.frombuffer(packed, dtype=np.uint8, offset=poses_end).reshape(1 + count, 4, height, width)
    kept = tuple(Remembered(view, pose) for view, pose in zip(views[1:], poses, strict=True))
    state = WalkerState(
        rng_seed=rng_seed,
        frame=frame,
        view=views[0],
        pose=Pose(*numbers[:_POSE_FIELDS]),
        past=tuple(numbers[_POSE_FIELDS:]),
        airborne_frames=airborne_frames,
        home=kept[0],
        anchor=kept[-1 if number == _APART else number],
        memory=kept[1 : 1 + remembered],
    )
    if not _is_plausible(state):
        raise SnapshotMismatchError("The snapshot's state is damaged: no player can be in such a place.")
    return state


def _is_plausible(state: WalkerState) -> bool:
    """NaN and infinities are in no bounds."""
    return (
        state.frame < _MOST_FRAMES
        and all(abs(step) <= _LONGEST_STEP for step in state.past)
        and state.airborne_frames <= FLIGHT
        and all(_is_place(old.pose) for old in (state.home, state.anchor, *state.memory))
        and _is_place(state.pose)
    )


def _is_place(pose: Pose) -> bool:
    return (
        all(abs(metres) < _FARTHEST for metres in (pose.x, pose.y, pose.z))
        and abs(pose.yaw) <= math.pi
        and abs(pose.slope) <= _STEEPEST
    )
