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
from world_model.runtime import load_runtime
from world_model.walker import WalkerState

if TYPE_CHECKING:
    from services.world_engine.moss.engine import MossWorld

PROJECT: Final = Path(__file__).resolve().parents[3]
HEAD: Final = "<BHHBBQQ11d"
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


def test_a_state_of_full_size_stays_under_a_megabyte() -> None:
    config = ModelConfig()
    chance = np.random.default_rng(3)

    def view() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return chance.integers(0, 256, (4, config.height, config.width), dtype=np.uint8)

    memory = tuple(Remembered(view(), Pose(x=float(n), yaw=0.5 * n)) for n in range(CAPACITY))
    anchor = Remembered(view(), Pose(z=4.0))
    state = WalkerState(2**64 - 1, 12345, view(), Pose(1.0, 2.0, -3.0, -math.pi, 0.1), (0.1,) * 6, anchor, memory)
    packed = pack_state(state)
    assert len(packed) <= MEGABYTE
    again = unpack_state(packed, config)
    assert pack_state(again) == packed
    assert (again.rng_seed, again.frame, again.pose, again.past) == (2**64 - 1, 12345, state.pose, state.past)
    assert [old.pose for old in again.memory] == [old.pose for old in memory]
    assert again.anchor.pose == anchor.pose
    assert unpack_state(pack_state(replace(state, anchor=memory[3])), config).anchor.pose == memory[3].pose


def test_an_anchor_that_is_remembered_stays_that_very_one(engine: MossEngine) -> None:
    """A walker tells by identity; two equal views would be looked at twice."""
    world = engine.open_world(seed_of(engine), rng_seed=1)
    config = ModelConfig(height=engine.spec.height, width=engine.spec.width)
    state = unpack_state(world.snapshot().state, config)
    assert state.anchor is state.memory[0]


def test_a_restored_state_cannot_be_written_to(world: MossWorld) -> None:
    world.restore(world.snapshot())
    play(world, ADVENTURE[:2])
    state = unpack_state(world.snapshot().state, ModelConfig(height=32, width=64))
    assert not state.view.flags.writeable


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
    for state in _damaged(moment.state):
        with pytest.raises(SnapshotMismatchError):
            world.restore(replace(moment, state=state))
    assert world.snapshot() == moment


def _damaged(state: bytes) -> list[bytes]:
    size = struct.calcsize(HEAD)
    fields = list(struct.unpack_from(HEAD, state))

    def with_field(index: int, value: float) -> bytes:
        return struct.pack(HEAD, *fields[:index], value, *fields[index + 1 :]) + state[size:]

    def with_pose(index: int, value: float) -> bytes:
        """Of the first remembered view."""
        at = size + 8 * index
        return state[:at] + struct.pack("<d", value) + state[at + 8 :]

    cut = [b"", state[:1], state[:size], state[:-1], state + b"\0"]
    heads = [with_field(0, 2), with_field(1, 64), with_field(2, 32), with_field(3, 0), with_field(3, 255)]
    heads += [with_field(4, 7), with_field(4, 254), with_field(6, 2**63)]
    numbers = [with_field(index, value) for index in range(7, 18) for value in (math.nan, math.inf, -1e300, 1e8)]
    poses = [with_pose(index, value) for index in range(5) for value in (math.nan, -math.inf, 1e9)]
    return cut + heads + numbers + poses
