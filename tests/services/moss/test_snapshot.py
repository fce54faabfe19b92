"""Snapshots of Moss: exact, of a bounded size, and refused when they are of another model or damaged."""

from __future__ import annotations

import hashlib
import math
import struct
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from services.world_engine.moss.engine import MossEngine
from services.world_engine.moss.snapshot import pack_state
from services.world_engine.world_engine import SnapshotMismatchError
from tests.services.moss.play import play, press, seed_of
from world_model.config import ModelConfig
from world_model.keyframes import CAPACITY, HOME, HOMES
from world_model.layers import FINE
from world_model.motion_step import FLIGHT, MotionState
from world_model.pose import Pose
from world_model.runtime import load_runtime
from world_model.walker import WalkerState
from world_model.wide_view import WideView

if TYPE_CHECKING:
    from services.world_engine.moss.engine import MossWorld
    from services.world_engine.world_engine import ControlPayload, WorldSnapshot

PROJECT: Final = Path(__file__).resolve().parents[3]
HEAD: Final = "<BHHBBBBBBQ22d"
PLACE: Final = "<5d"
KEYFRAME: Final = "<B11d"
RUN: Final = [press("W", "SHIFT", dx=40.0)] * 12

_ELSEWHERE = """
import hashlib, sys
from pathlib import Path
from services.world_engine.moss.engine import MossEngine
from services.world_engine.world_engine import WorldSnapshot
from tests.services.moss.play import play, seed_of
from world_model.runtime import load_runtime
engine = MossEngine(load_runtime(Path(sys.argv[1])), "large")
world = engine.open_world(seed_of(engine, 9), rng_seed=9)
world.restore(WorldSnapshot(engine.spec.model_id, engine.spec.weights_hash, Path(sys.argv[2]).read_bytes()))
print(hashlib.sha256(b"".join(frames.tobytes() for frames in play(world))).hexdigest())
engine.close()
"""


@pytest.fixture
def world(engine: MossEngine) -> MossWorld:
    world = engine.open_world(seed_of(engine), rng_seed=1)
    play(world)
    return world


def state_of(world: MossWorld) -> WalkerState:
    walker = world._walker  # pyright: ignore[reportPrivateUsage] - to look at what no frame tells
    assert walker is not None
    return walker.state


def until_ordered(world: MossWorld, control: ControlPayload) -> None:
    while state_of(world).keyframes.order is None:
        world.step(control)


def test_going_back_and_into_another_world_is_exact(engine: MossEngine, world: MossWorld) -> None:
    moment = world.snapshot()
    wanted = play(world)
    fork = engine.open_world(seed_of(engine, 4), rng_seed=77)
    for visited in (world, fork):
        visited.restore(moment)
        assert visited.snapshot() == moment
        np.testing.assert_array_equal(play(visited), wanted)


def test_forks_do_not_touch_each_other(engine: MossEngine, world: MossWorld) -> None:
    fork = engine.open_world(seed_of(engine, 4), rng_seed=77)
    fork.restore(world.snapshot())
    play(fork, [press("LEFT", "S")] * 9)
    other = engine.open_world(seed_of(engine), rng_seed=1)
    play(other)
    np.testing.assert_array_equal(play(world), play(other))


def test_another_process_goes_on_exactly(micro_folder: Path, world: MossWorld, tmp_path: Path) -> None:
    moment = tmp_path / "moment"
    moment.write_bytes(world.snapshot().state)
    command = [sys.executable, "-c", _ELSEWHERE, str(micro_folder), str(moment)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    here = hashlib.sha256(b"".join(frames.tobytes() for frames in play(world))).hexdigest()
    assert done.stdout.strip() == here


def test_every_moment_of_a_walk_goes_on_exactly(engine: MossEngine) -> None:
    """With a keyframe under way, at the frame at which it is due, and in the midst of a dissolve."""
    world, fork = (engine.open_world(seed_of(engine, number), rng_seed=1) for number in (0, 4))
    play(world, RUN[:4])
    moments = [world.snapshot()]
    frames: list[bytes] = []
    phases: set[tuple[bool, bool]] = set()
    for control in RUN * 3:
        frames.append(world.step(control).tobytes())
        moments.append(world.snapshot())
        keyframes = state_of(world).keyframes
        phases.add((keyframes.order is not None, keyframes.previous is not None))
    assert phases >= {(True, False), (True, True)}
    for number in range(0, len(frames) - 2, 3):
        fork.restore(moments[number])
        controls = (RUN * 3)[number : number + 3]
        assert [fork.step(control).tobytes() for control in controls] == frames[number : number + 3]
        assert fork.snapshot() == moments[number + 3]


def walked_until_full(world: MossWorld) -> None:
    """Straight on until as many keyframes are remembered as can be, and the first picture is not among them."""
    walker = world._walker  # pyright: ignore[reportPrivateUsage] - motion cannot be led by keys so exactly
    assert walker is not None
    keeper, keyframes, pose = walker._keeper, walker.state.keyframes, Pose()  # pyright: ignore[reportPrivateUsage]
    while HOME in {one.slot for one in (*keyframes.remembered, keyframes.current)}:
        pose = replace(pose, x=pose.x + 0.1)
        _, keyframes = keeper.frame(keyframes, pose)
    assert len(keyframes.remembered) == CAPACITY
    walker.state = WalkerState(MotionState(pose), keyframes)


def test_a_world_whose_first_picture_was_forgotten_goes_on_exactly(engine: MossEngine) -> None:
    world = engine.open_world(seed_of(engine), rng_seed=1)
    walked_until_full(world)
    assert_goes_on_exactly(engine, world)


def test_a_walker_that_takes_home_along_goes_on_exactly(engine: MossEngine) -> None:
    """From the midst of the dissolve, too."""
    world = engine.open_world(seed_of(engine), rng_seed=1)
    walked_until_full(world)
    home = state_of(world).keyframes.home_pose
    while state_of(world).keyframes.home_pose == home:
        world.step(press("W", "D", "SHIFT"))
    assert state_of(world).keyframes.previous is not None
    assert_goes_on_exactly(engine, world)


def test_a_jump_is_ended_after_going_back(engine: MossEngine, world: MossWorld) -> None:
    play(world, [*[press("W")] * FLIGHT, press("SPACE"), press("W")])
    assert state_of(world).motion.airborne_frames == FLIGHT - 2
    assert_goes_on_exactly(engine, world)


def test_a_crouch_is_ended_after_going_back(engine: MossEngine, world: MossWorld) -> None:
    play(world, [press("CTRL")] * 4)
    assert 0.0 < state_of(world).motion.crouch < 1.0
    assert_goes_on_exactly(engine, world)


def test_an_edited_picture_is_kept(engine: MossEngine, world: MossWorld) -> None:
    world.continue_from(seed_of(engine, 8))
    assert_goes_on_exactly(engine, world)


def assert_goes_on_exactly(engine: MossEngine, world: MossWorld) -> None:
    moment = world.snapshot()
    fork = engine.open_world(seed_of(engine, 4), rng_seed=77)
    fork.restore(moment)
    assert fork.snapshot() == moment
    np.testing.assert_array_equal(play(fork), play(world))
    assert fork.snapshot() == world.snapshot()


def test_a_keyframe_under_way_is_forgotten_by_going_back(world: MossWorld) -> None:
    moment = world.snapshot()
    wanted = play(world, RUN)
    world.restore(moment)
    until_ordered(world, press("A", "LEFT"))
    world.restore(moment)
    np.testing.assert_array_equal(play(world, RUN), wanted)


def test_a_full_snapshot_has_a_bounded_size(engine: MossEngine) -> None:
    """Of the size of play: all pictures and origins, and a few numbers."""
    world = engine.open_world(seed_of(engine), rng_seed=1)
    walked_until_full(world)

    def bound(config: ModelConfig) -> int:
        pixels = config.height * config.width
        picture, origin, wide = FINE * FINE * pixels * 3, pixels * 5, math.prod(WideView(config).shape) * 3
        keyframe = picture + origin + wide + struct.calcsize(KEYFRAME)
        return (CAPACITY + 1) * keyframe + picture + struct.calcsize(HEAD) + HOMES * struct.calcsize(PLACE)

    small = ModelConfig(height=32, width=64)
    assert len(pack_state(state_of(world))) <= bound(small)
    assert bound(ModelConfig()) < 8_500_000


def test_former_places_of_home_are_kept(world: MossWorld) -> None:
    moment = world.snapshot()
    head, rest = bytearray(moment.state[: struct.calcsize(HEAD)]), moment.state[struct.calcsize(HEAD) :]
    head[struct.calcsize("<BHHBBBBB")] = 2

    def with_places(*places: float) -> WorldSnapshot:
        return replace(moment, state=bytes(head) + struct.pack(f"<{len(places)}d", *places) + rest)

    world.restore(with_places(3.0, -0.5, 12.0, 0.0, 0.0, -7.0, 0.0, 1.5, 0.0, 0.0))
    assert state_of(world).keyframes.homes == (Pose(3.0, -0.5, 12.0), Pose(-7.0, 0.0, 1.5))
    assert world.snapshot() == with_places(3.0, -0.5, 12.0, 0.0, 0.0, -7.0, 0.0, 1.5, 0.0, 0.0)
    for wrong in (with_places(*[0.0] * 9, math.nan), with_places(*[1e8] * 10), with_places(*[0.0] * 5)):
        with pytest.raises(SnapshotMismatchError):
            world.restore(wrong)


def test_foreign_snapshots_are_refused(micro_folder: Path, world: MossWorld) -> None:
    moment = world.snapshot()
    with closing(MossEngine(load_runtime(micro_folder), "small")) as small:
        others = small.open_world(seed_of(small), rng_seed=1).snapshot()
    for wrong in (replace(moment, model_id="other/model"), replace(moment, weights_hash="00"), others):
        with pytest.raises(SnapshotMismatchError, match="snapshot is of"):
            world.restore(wrong)
    assert world.snapshot() == moment


def test_damaged_snapshots_are_refused_and_change_nothing(world: MossWorld) -> None:
    until_ordered(world, press("W", "SHIFT"))
    moment = world.snapshot()
    for state in _damaged(bytes(moment.state)):
        with pytest.raises(SnapshotMismatchError):
            world.restore(replace(moment, state=state))
    assert world.snapshot() == moment


def _damaged(state: bytes) -> list[bytes]:
    size, inner = struct.calcsize(HEAD), struct.calcsize(KEYFRAME)
    fields, first = list(struct.unpack_from(HEAD, state)), list(struct.unpack_from(KEYFRAME, state, size))
    odd = (math.nan, math.inf, -1e300, 1e8)

    def with_field(index: int, value: float) -> bytes:
        return struct.pack(HEAD, *fields[:index], value, *fields[index + 1 :]) + state[size:]

    def with_keyframe(index: int, value: float) -> bytes:
        """Of the first keyframe."""
        changed = struct.pack(KEYFRAME, *first[:index], value, *first[index + 1 :])
        return state[:size] + changed + state[size + inner :]

    def with_origin(at: int, value: int) -> bytes:
        """A byte of the origin of the first keyframe."""
        return state[: size + inner + at] + bytes([value]) + state[size + inner + at + 1 :]

    cut = [b"", state[:1], state[:size], state[:-1], state + b"\0", state[: size + 3]]
    heads = [with_field(0, 5), with_field(0, 7), with_field(1, 32), with_field(2, 64)]
    heads += [with_field(3, fields[3] + 1), with_field(3, CAPACITY + 1), with_field(3, 255), with_field(4, fields[3])]
    heads += [with_field(5, 200), with_field(6, FLIGHT + 1), with_field(7, 99), with_field(8, 1)]
    heads += [with_field(8, HOMES + 1), with_field(9, 2**63)]
    numbers = [with_field(index, value) for index in range(10, len(fields)) for value in odd]
    keyframes = [with_keyframe(0, CAPACITY + 3), with_keyframe(0, 255)]
    keyframes += [with_keyframe(index, value) for index in range(1, 12) for value in (math.nan, -math.inf, -1e9)]
    origins = [with_origin(5, 77), with_origin(32 * 64 + 1, 255)]
    return cut + heads + numbers + keyframes + origins
