"""Snapshots of Moss: exact, small, and refused when they are of another model or damaged."""

from __future__ import annotations

import hashlib
import math
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from services.world_engine.moss.engine import MossEngine
from services.world_engine.moss.snapshot import pack_state, unpack_state
from services.world_engine.world_engine import SnapshotMismatchError
from tests.services.moss.play import ADVENTURE, play, press, seed_of
from world_model.config import ModelConfig
from world_model.memory import CAPACITY, Pose, Remembered
from world_model.motion_step import FLIGHT
from world_model.runtime import load_runtime
from world_model.walker import WalkerState

if TYPE_CHECKING:
    from services.world_engine.moss.engine import MossWorld

PROJECT: Final = Path(__file__).resolve().parents[3]
HEAD: Final = "<BHHBBBQQ11d"
CONFIG: Final = ModelConfig(height=32, width=64)
MEGABYTE: Final = 1_000_000

_ELSEWHERE = """
import hashlib, sys
from pathlib import Path
from services.world_engine.moss.engine import MossEngine
from services.world_engine.world_engine import WorldSnapshot
from tests.services.moss.play import play, seed_of
from world_model.runtime import load_runtime
engine = MossEngine(load_runtime(Path(sys.argv[1])), steps=2)
world = engine.open_world(seed_of(engine, 9), rng_seed=9)
world.restore(WorldSnapshot(engine.spec.model_id, engine.spec.weights_hash, Path(sys.argv[2]).read_bytes()))
print(hashlib.sha256(b"".join(frames.tobytes() for frames in play(world))).hexdigest())
"""


@pytest.fixture
def world(engine: MossEngine) -> MossWorld:
    world = engine.open_world(seed_of(engine), rng_seed=1)
    play(world)
    return world


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


def a_full_state(config: ModelConfig, *, remembered: int = CAPACITY) -> WalkerState:
    """Every view another, in a flight."""
    chance = np.random.default_rng(3)

    def view() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return chance.integers(0, 256, (4, config.height, config.width), dtype=np.uint8)

    return WalkerState(
        rng_seed=2**64 - 1,
        frame=12345,
        view=view(),
        pose=Pose(1.0, 2.0, -3.0, -math.pi, 0.1),
        past=(0.1,) * 6,
        airborne_frames=FLIGHT,
        home=Remembered(view(), Pose(-1.0, 0.1, 0.7, 3.1, -0.2)),
        anchor=Remembered(view(), Pose(z=4.0)),
        memory=tuple(Remembered(view(), Pose(x=float(n), yaw=0.5 * n)) for n in range(remembered)),
    )


def test_a_state_of_full_size_stays_under_a_megabyte() -> None:
    config = ModelConfig()
    state = a_full_state(config)
    memory = state.memory
    packed = pack_state(state)
    assert len(packed) <= MEGABYTE
    again = unpack_state(packed, config)
    assert pack_state(again) == packed
    assert (again.rng_seed, again.frame, again.pose, again.past) == (2**64 - 1, 12345, state.pose, state.past)
    assert [old.pose for old in again.memory] == [old.pose for old in memory]
    assert again.anchor.pose == state.anchor.pose
    assert unpack_state(pack_state(replace(state, anchor=memory[3])), config).anchor.pose == memory[3].pose


@pytest.mark.parametrize("remembered", [0, CAPACITY])
def test_home_and_a_jump_are_kept(remembered: int) -> None:
    state = a_full_state(CONFIG, remembered=remembered)
    again = unpack_state(pack_state(state), CONFIG)
    assert (again.airborne_frames, len(again.memory)) == (FLIGHT, remembered)
    wanted_ones = (state.home, state.anchor, *state.memory)
    for kept, wanted in zip((again.home, again.anchor, *again.memory), wanted_ones, strict=True):
        assert kept.pose == wanted.pose
        np.testing.assert_array_equal(kept.view, wanted.view)


def test_a_snapshot_with_too_many_views_is_refused() -> None:
    with pytest.raises(SnapshotMismatchError, match="damaged"):
        unpack_state(pack_state(a_full_state(CONFIG, remembered=CAPACITY + 1)), CONFIG)


def test_a_jump_is_ended_after_going_back(engine: MossEngine, world: MossWorld) -> None:
    play(world, [press("SPACE"), press("W")])
    assert state_of(world).airborne_frames == FLIGHT - 1
    assert_goes_on_exactly(engine, world)


def test_a_walker_that_moved_its_home_goes_on_exactly(engine: MossEngine, world: MossWorld) -> None:
    far = Pose(x=50.0, y=1.0, z=-20.0, yaw=1.0)
    put(world, replace(state_of(world), pose=far, frame=1))
    play(world, [press("W", dx=40.0)])
    home, pose = state_of(world).home.pose, state_of(world).pose
    assert (home.x, home.y, home.z) == (pose.x, pose.y, pose.z)
    assert home.yaw == 0.0
    assert_goes_on_exactly(engine, world)


def test_a_walker_whose_world_was_renewed_goes_on_exactly(engine: MossEngine, world: MossWorld) -> None:
    state = state_of(world)
    black = Remembered(np.zeros_like(state.view), Pose())  # beside which any generated view is too light
    aside = replace(state.pose, yaw=1.5, slope=0.0)
    put(world, replace(state, home=black, pose=aside, frame=8))
    play(world, [press("W")])
    assert state_of(world).memory == ()
    assert state_of(world).anchor is not state_of(world).home
    assert not state_of(world).anchor.view.any()
    assert_goes_on_exactly(engine, world)


def state_of(world: MossWorld) -> WalkerState:
    return unpack_state(bytes(world.snapshot().state), CONFIG)


def put(world: MossWorld, state: WalkerState) -> None:
    world.restore(replace(world.snapshot(), state=pack_state(state)))


def assert_goes_on_exactly(engine: MossEngine, world: MossWorld) -> None:
    moment = world.snapshot()
    fork = engine.open_world(seed_of(engine, 4), rng_seed=77)
    fork.restore(moment)
    assert fork.snapshot() == moment
    np.testing.assert_array_equal(play(fork), play(world))
    assert fork.snapshot() == world.snapshot()


def test_a_remembered_anchor_keeps_its_identity(engine: MossEngine) -> None:
    """A walker compares anchors by identity, so an equal copy would be used twice."""
    world = engine.open_world(seed_of(engine), rng_seed=1)
    state = state_of(world)
    assert state.anchor is state.home
    state = a_full_state(CONFIG)
    again = unpack_state(pack_state(replace(state, anchor=state.memory[2])), CONFIG)
    assert again.anchor is again.memory[2]


def test_a_restored_state_cannot_be_written_to(world: MossWorld) -> None:
    world.restore(world.snapshot())
    play(world, ADVENTURE[:2])
    state = state_of(world)
    assert not state.view.flags.writeable
    assert not state.home.view.flags.writeable


def test_foreign_snapshots_are_refused(micro_folder: Path, world: MossWorld) -> None:
    moment = world.snapshot()
    four = MossEngine(load_runtime(micro_folder), steps=4)
    others = four.open_world(seed_of(four), rng_seed=1).snapshot()
    for wrong in (replace(moment, model_id="other/model"), replace(moment, weights_hash="00"), others):
        with pytest.raises(SnapshotMismatchError, match="snapshot is of"):
            world.restore(wrong)
    assert world.snapshot() == moment


def test_damaged_snapshots_are_refused_and_change_nothing(world: MossWorld) -> None:
    moment = world.snapshot()
    for state in _damaged(bytes(moment.state)):
        with pytest.raises(SnapshotMismatchError):
            world.restore(replace(moment, state=state))
    assert world.snapshot() == moment


def _damaged(state: bytes) -> list[bytes]:
    size = struct.calcsize(HEAD)
    fields = list(struct.unpack_from(HEAD, state))

    def with_field(index: int, value: float) -> bytes:
        return struct.pack(HEAD, *fields[:index], value, *fields[index + 1 :]) + state[size:]

    def with_pose(index: int, value: float) -> bytes:
        """Of home."""
        at = size + 8 * index
        return state[:at] + struct.pack("<d", value) + state[at + 8 :]

    cut = [b"", state[:1], state[:size], state[:-1], state + b"\0"]
    heads = [with_field(0, 1), with_field(0, 3), with_field(1, 64), with_field(2, 32)]
    heads += [with_field(3, 0), with_field(3, 255), with_field(4, 7), with_field(4, 254)]
    heads += [with_field(5, FLIGHT + 1), with_field(7, 2**63)]
    numbers = [with_field(index, value) for index in range(8, 19) for value in (math.nan, math.inf, -1e300, 1e8)]
    poses = [with_pose(index, value) for index in range(5) for value in (math.nan, -math.inf, 1e9)]
    return cut + heads + numbers + poses
