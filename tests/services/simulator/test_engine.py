"""The simulator keeps the contract of a world engine."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from services.world_engine.simulator.engine import SimulatorEngine
from services.world_engine.world_engine import (
    NO_CONTROL,
    ControlPayload,
    Picture,
    SnapshotMismatchError,
    WorldClosedError,
    WorldEngine,
)
from wire_protocol import KEY_CODES

pytestmark = pytest.mark.xdist_group("simulator")  # what is compiled on first use is compiled once, by one worker

FORWARD = ControlPayload(frozenset({KEY_CODES["W"], KEY_CODES["SHIFT"]}), mouse_dx=25.0, mouse_dy=-3.0)
JUMP = ControlPayload(frozenset({KEY_CODES["SPACE"], KEY_CODES["D"], KEY_CODES["LEFT"]}), mouse_dx=0.0, mouse_dy=0.0)


def picture(shade: int) -> Picture:
    seed = np.full((128, 224, 3), shade, dtype=np.uint8)
    seed[:64, :, 2] = 200
    return seed


def test_a_pass_is_two_frames_that_are_never_written_again() -> None:
    engine: WorldEngine = SimulatorEngine()
    world = engine.open_world(picture(40), rng_seed=1)
    frames = world.step(FORWARD)
    assert frames.shape == (2, 128, 224, 3)
    assert frames.dtype == np.uint8
    assert frames.flags.c_contiguous
    kept = frames.copy()
    world.step(FORWARD)
    assert (frames == kept).all()
    assert not (frames[0] == frames[1]).all()


def test_each_picture_and_seed_has_its_own_world() -> None:
    engine = SimulatorEngine()

    def first(shade: int, rng_seed: int) -> bytes:
        return engine.open_world(picture(shade), rng_seed=rng_seed).step(NO_CONTROL).tobytes()

    assert first(40, 1) == first(40, 1)
    assert len({first(40, 1), first(41, 1), first(40, 2)}) == 3


def test_a_snapshot_is_exact_also_in_the_air_and_in_another_world() -> None:
    engine = SimulatorEngine()
    world, other = engine.open_world(picture(40), rng_seed=1), engine.open_world(picture(90), rng_seed=5)
    for control in (FORWARD, FORWARD, JUMP, JUMP):
        world.step(control)
    moment, player = world.snapshot(), world.player
    wanted = [world.step(control) for control in (JUMP, FORWARD, NO_CONTROL)]
    for visited in (world, other):
        visited.restore(moment)
        assert visited.player == player
        assert visited.snapshot() == moment
        seen = [visited.step(control) for control in (JUMP, FORWARD, NO_CONTROL)]
        assert all((a == b).all() for a, b in zip(seen, wanted, strict=True))


def test_snapshots_of_others_and_damaged_ones_are_refused() -> None:
    world = SimulatorEngine().open_world(picture(40), rng_seed=1)
    world.step(FORWARD)
    moment, player = world.snapshot(), world.player
    damaged = bytes(moment.state)[:-8] + np.float64(math.nan).tobytes()
    for other in (
        replace(moment, model_id="other/world"),
        replace(moment, weights_hash="beef"),
        replace(moment, state=moment.state[:-1]),
        replace(moment, state=b"\x07" + bytes(moment.state)[1:]),
        replace(moment, state=damaged),
    ):
        with pytest.raises(SnapshotMismatchError):
            world.restore(other)
    assert world.player == player


def test_an_edited_picture_leads_to_another_world() -> None:
    world = SimulatorEngine().open_world(picture(40), rng_seed=1)
    before = world.step(NO_CONTROL)
    world.continue_from(picture(200))
    moment = world.snapshot()
    after = world.step(NO_CONTROL)
    assert not (after == before).all()
    world.restore(moment)
    assert (world.step(NO_CONTROL) == after).all()


def test_controls_turn_walk_and_survive_nonsense() -> None:
    world = SimulatorEngine().open_world(picture(40), rng_seed=1)
    start = world.player
    world.step(ControlPayload(frozenset(), mouse_dx=100.0, mouse_dy=-50.0))
    assert math.remainder(world.player.yaw - start.yaw, 2.0 * math.pi) == pytest.approx(0.22)
    assert world.player.pitch == pytest.approx(0.11)
    world.step(ControlPayload(frozenset({KEY_CODES["Q"]}), mouse_dx=math.nan, mouse_dy=1e300))
    assert math.isfinite(world.player.yaw)
    assert math.isfinite(world.player.pitch)


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="128x224"):
        SimulatorEngine().open_world(np.zeros((10, 10, 3), dtype=np.uint8), rng_seed=0)


def test_a_closed_world_raises() -> None:
    world = SimulatorEngine().open_world(picture(40), rng_seed=1)
    moment = world.snapshot()
    world.close()
    world.close()
    calls = (
        world.snapshot,
        lambda: world.step(NO_CONTROL),
        lambda: world.continue_from(picture(1)),
        lambda: world.restore(moment),
    )
    for call in calls:
        with pytest.raises(WorldClosedError):
            call()
