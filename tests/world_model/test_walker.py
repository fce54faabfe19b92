"""One player in the generated world."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from world_model.config import MICRO
from world_model.memory import Pose, Remembered, around, relative_pose_between, taken_along
from world_model.motion_step import FLIGHT, LARGEST_TURN, PITCH_LIMIT, WalkerIntent
from world_model.renewal import EVERY
from world_model.runtime import Runtime, load_runtime
from world_model.walker import Walker, WalkerState
from world_model.weights import read_weights

if TYPE_CHECKING:
    from pathlib import Path

    from world_model.runtime import Bytes, Floats

INTENTS = [
    WalkerIntent(forward=1.0, turn=0.05),
    WalkerIntent(strafe=-1.0, run=True),
    WalkerIntent(jump=True, look_up=0.1),
    WalkerIntent(),
] * 3


@pytest.fixture(scope="module")
def runtime(micro_folder: Path) -> Runtime:
    return load_runtime(micro_folder)


class SteeredRuntime(Runtime):
    """Makes the steps that a test sets, decodes to its view, if any, and keeps the views of the last context."""

    made_step: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shown: Bytes | None = None
    looked_at: Bytes | None = None

    def walk(self, view: Bytes, past: Floats, intent: Floats, turn: float, slope: float) -> Floats:
        wanted = super().walk(view, past, intent, turn, slope)
        return np.array(self.made_step, dtype=wanted.dtype)

    def encode_context(self, views: Bytes, relative_poses: Floats) -> tuple[Floats, Floats, Floats]:
        self.looked_at = views
        return super().encode_context(views, relative_poses)

    def decode(self, latents: Floats, reference: Floats, mask: Floats) -> tuple[Bytes, Bytes]:
        view, image = super().decode(latents, reference, mask)
        return view if self.shown is None else self.shown, image


@pytest.fixture
def steered(micro_folder: Path) -> SteeredRuntime:
    return SteeredRuntime(*read_weights(micro_folder))


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (MICRO.height, MICRO.width, 3), dtype=np.uint8)


def walked(runtime: Runtime, *, rng_seed: int = 1, steps: int = 2) -> list[bytes]:
    walker = Walker(runtime, picture(), rng_seed=rng_seed, steps=steps)
    return [walker.step(intent).tobytes() for intent in INTENTS]


def finite(state: WalkerState) -> bool:
    pose = state.pose
    return all(math.isfinite(value) for value in (pose.x, pose.y, pose.z, pose.yaw, pose.slope, *state.past))


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_the_same_inputs_give_the_same_world(runtime: Runtime, steps: int) -> None:
    assert walked(runtime, steps=steps) == walked(runtime, steps=steps)


def test_another_seed_gives_another_world(runtime: Runtime) -> None:
    assert walked(runtime) != walked(runtime, rng_seed=2)


def test_a_state_goes_on_where_it_was(runtime: Runtime) -> None:
    """A walker that stood elsewhere goes on twice from a state that was taken in the middle."""
    walker = Walker(runtime, picture(), rng_seed=1)
    for intent in INTENTS[:5]:
        walker.step(intent)
    middle = walker.state
    before = middle.view.tobytes()
    expected = [walker.step(intent).tobytes() for intent in INTENTS[5:]]
    for _ in range(2):
        other = Walker(runtime, picture(9), rng_seed=77)
        other.state = middle
        assert [other.step(intent).tobytes() for intent in INTENTS[5:]] == expected
    assert middle.view.tobytes() == before


def test_pictures_are_new_arrays(runtime: Runtime) -> None:
    walker = Walker(runtime, picture(), rng_seed=1)
    first = walker.step(WalkerIntent(forward=1.0))
    kept = first.tobytes()
    second = walker.step(WalkerIntent(forward=1.0))
    assert not np.shares_memory(first, second)
    assert first.tobytes() == kept
    assert (first.shape, first.dtype) == ((MICRO.height, MICRO.width, 3), np.dtype(np.uint8))


def test_nan_counts_as_no_input(runtime: Runtime) -> None:
    nan = math.nan
    plain, odd = (Walker(runtime, picture(), rng_seed=1) for _ in range(2))
    expected = plain.step(WalkerIntent())
    assert (odd.step(WalkerIntent(forward=nan, strafe=nan, turn=nan, look_up=nan)) == expected).all()
    assert finite(odd.state)


@pytest.mark.parametrize("much", [1e9, -1e9, math.inf, -math.inf])
def test_huge_inputs_are_clamped(runtime: Runtime, much: float) -> None:
    sign = math.copysign(1.0, much)
    largest, huge = (Walker(runtime, picture(), rng_seed=1) for _ in range(2))
    expected = largest.step(
        WalkerIntent(forward=sign, strafe=sign, turn=sign * LARGEST_TURN, look_up=sign * LARGEST_TURN)
    )
    assert (huge.step(WalkerIntent(forward=much, strafe=much, turn=much, look_up=much)) == expected).all()
    assert math.atan(huge.state.pose.slope) == pytest.approx(sign * PITCH_LIMIT)
    for _ in range(20):
        huge.step(WalkerIntent(forward=much, strafe=much, turn=much, look_up=-much))
    assert finite(huge.state)
    assert all(abs(length) <= 1.0 for length in huge.state.past)


def test_another_picture_is_walked_into(runtime: Runtime) -> None:
    walker = Walker(runtime, picture(), rng_seed=1)
    for intent in INTENTS:
        walker.step(intent)
    pose, frame = walker.state.pose, walker.state.frame
    walker.continue_from(picture(5))
    assert (walker.state.pose, walker.state.frame, walker.state.memory) == (pose, frame, ())
    assert walker.state.home is walker.state.anchor
    assert walker.state.home.pose == pose
    assert walker.state.home.view is walker.state.view
    assert (walker.state.view[:3].transpose(1, 2, 0) == picture(5)).all()
    walker.step(WalkerIntent())
    assert walker.state.frame == frame + 1


def test_a_state_stays_small(runtime: Runtime) -> None:
    """It holds home, five remembered views, an anchor and the last view: 0.9 MB at the shipped size."""
    walker = Walker(runtime, picture(), rng_seed=1)
    for _ in range(60):
        walker.step(WalkerIntent(forward=1.0, turn=0.3))
    state = walker.state
    kept = (state.view, *(old.view for old in (state.home, state.anchor, *state.memory)))
    views = {id(array): array.nbytes for array in kept}
    assert sum(views.values()) <= 8 * 4 * MICRO.height * MICRO.width
    assert 8 * 4 * 128 * 224 < 1_000_000


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((MICRO.height, MICRO.width + 1, 3), dtype=np.uint8),
        np.zeros((MICRO.height, MICRO.width), dtype=np.uint8),
        np.zeros((MICRO.height, MICRO.width, 3), dtype=np.float32),
    ],
)
def test_pictures_of_another_kind_are_refused(runtime: Runtime, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 picture"):
        Walker(runtime, wrong, rng_seed=0)
    walker = Walker(runtime, picture(), rng_seed=0)
    with pytest.raises(ValueError, match="uint8 picture"):
        walker.continue_from(wrong)


def test_a_relative_pose_is_along_the_old_axes() -> None:
    """A step east while looking east is a step forward, and a turn across the back takes the shorter way."""
    before, after = Pose(yaw=math.pi / 2.0, slope=0.1), Pose(x=2.0, y=0.5, yaw=-math.pi + 0.1, slope=-0.2)
    assert relative_pose_between(before, after) == pytest.approx(
        [0.0, 0.5, 2.0, math.pi / 2.0 + 0.1, 0.1, -0.2], abs=1e-6
    )


def heights(walker: Walker, intent: WalkerIntent, frames: int) -> list[float]:
    """By how much each of some frames leads up."""
    climbed = list[float]()
    for _ in range(frames):
        before = walker.state.pose.y
        walker.step(intent)
        climbed.append(walker.state.pose.y - before)
    return climbed


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_nobody_falls_or_climbs_without_a_jump(steered: SteeredRuntime, way: float) -> None:
    walker = Walker(steered, picture(), rng_seed=1, steps=1)
    steered.made_step = (0.0, way * 0.4, 0.0)
    assert heights(walker, WalkerIntent(), 3) == pytest.approx([way * 0.01] * 3)
    steered.made_step = (0.3, way * 0.45, 0.4)  # half a metre along the ground
    assert heights(walker, WalkerIntent(forward=1.0), 3) == pytest.approx([way * (0.35 * 0.5 + 0.01)] * 3)
    steered.made_step = (0.0, way * 0.02, 0.4)  # a slope that can be walked
    assert heights(walker, WalkerIntent(forward=1.0), 3) == pytest.approx([way * 0.02] * 3)


def test_a_jump_may_rise_and_fall_for_a_while(steered: SteeredRuntime) -> None:
    walker = Walker(steered, picture(), rng_seed=1, steps=1)
    steered.made_step = (0.0, 0.2, 0.0)
    assert heights(walker, WalkerIntent(jump=True), 1) == pytest.approx([0.2])
    steered.made_step = (0.0, -0.4, 0.0)
    assert heights(walker, WalkerIntent(), FLIGHT) == pytest.approx([-0.4] * FLIGHT)
    assert walker.state.airborne_frames == 0
    assert heights(walker, WalkerIntent(), 2) == pytest.approx([-0.01] * 2)


def test_home_moves_with_the_walker_and_the_world_is_renewed(steered: SteeredRuntime) -> None:
    walker = Walker(steered, picture(), rng_seed=1, steps=1)
    first = walker.state.home
    steered.shown, steered.made_step = first.view, (0.0, 0.0, 0.5)
    while walker.state.pose.z < 14.9:
        walker.step(WalkerIntent(forward=1.0))
        assert walker.state.home is first
    walker.step(WalkerIntent(forward=1.0, turn=0.2))
    pose, home = walker.state.pose, walker.state.home
    assert home.view is first.view
    assert home.pose == Pose(pose.x, pose.y, pose.z)
    assert walker.state.anchor is home
    assert walker.state.memory == ()
    walker.step(WalkerIntent(forward=1.0))
    assert walker.state.home is home


def test_a_world_whose_view_degenerated_is_renewed(steered: SteeredRuntime) -> None:
    walker = Walker(steered, picture(), rng_seed=1, steps=1)
    first = walker.state.home
    steered.shown, steered.made_step = first.view, (0.0, 0.0, 0.3)
    for _ in range(EVERY):
        walker.step(WalkerIntent(forward=1.0, turn=0.3))
    assert walker.state.home is first
    assert walker.state.memory
    steered.shown = np.zeros_like(first.view)
    walker.step(WalkerIntent(forward=1.0, turn=-0.9))
    state = walker.state
    assert state.memory == ()
    assert_same(state.home, taken_along(first, state.pose))
    assert_same(state.anchor, around(state.home, state.pose.yaw, MICRO.fov))
    assert state.anchor.pose.yaw == pytest.approx(MICRO.fov)
    walker.step(WalkerIntent())
    assert steered.looked_at is not None
    assert (steered.looked_at[0] == first.view[:, :, ::-1]).all()


def test_a_view_is_not_judged_in_every_frame(steered: SteeredRuntime) -> None:
    walker = Walker(steered, picture(), rng_seed=1, steps=1)
    first = walker.state.home
    steered.shown = first.view
    walker.step(WalkerIntent(turn=1.5))
    steered.shown = np.zeros_like(first.view)
    for _ in range(EVERY - 1):
        walker.step(WalkerIntent())
        assert walker.state.home is first
        assert walker.state.memory
    walker.step(WalkerIntent())
    assert walker.state.memory == ()


def assert_same(a: Remembered, b: Remembered) -> None:
    assert a.pose == b.pose
    np.testing.assert_array_equal(a.view, b.view)
