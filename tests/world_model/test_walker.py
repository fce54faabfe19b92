"""One player in the dreamed world."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from world_model.config import MICRO
from world_model.memory import Pose, moves_between
from world_model.runtime import load_runtime
from world_model.walker import LARGEST_TURN, PITCH_LIMIT, Walker, WalkerState, Wish

if TYPE_CHECKING:
    from pathlib import Path

    from world_model.runtime import Runtime

WISHES = [Wish(forward=1.0, turn=0.05), Wish(strafe=-1.0, run=True), Wish(jump=True, look_up=0.1), Wish()] * 3


@pytest.fixture(scope="module")
def runtime(micro_folder: Path) -> Runtime:
    return load_runtime(micro_folder)


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (MICRO.height, MICRO.width, 3), dtype=np.uint8)


def walked(runtime: Runtime, *, rng_seed: int = 1, steps: int = 2) -> list[bytes]:
    walker = Walker(runtime, picture(), rng_seed=rng_seed, steps=steps)
    return [walker.step(wish).tobytes() for wish in WISHES]


def finite(state: WalkerState) -> bool:
    pose = state.pose
    return all(math.isfinite(value) for value in (pose.x, pose.y, pose.z, pose.yaw, pose.slope, *state.past))


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_the_same_wishes_give_the_same_world(runtime: Runtime, steps: int) -> None:
    assert walked(runtime, steps=steps) == walked(runtime, steps=steps)


def test_another_seed_gives_another_world(runtime: Runtime) -> None:
    assert walked(runtime) != walked(runtime, rng_seed=2)


def test_a_state_goes_on_where_it_was(runtime: Runtime) -> None:
    """Twice, from a state taken in the middle, by a walker that stood elsewhere."""
    walker = Walker(runtime, picture(), rng_seed=1)
    for wish in WISHES[:5]:
        walker.step(wish)
    middle = walker.state
    before = middle.view.tobytes()
    expected = [walker.step(wish).tobytes() for wish in WISHES[5:]]
    for _ in range(2):
        other = Walker(runtime, picture(9), rng_seed=77)
        other.state = middle
        assert [other.step(wish).tobytes() for wish in WISHES[5:]] == expected
    assert middle.view.tobytes() == before


def test_pictures_are_new_arrays(runtime: Runtime) -> None:
    walker = Walker(runtime, picture(), rng_seed=1)
    first = walker.step(Wish(forward=1.0))
    kept = first.tobytes()
    second = walker.step(Wish(forward=1.0))
    assert not np.shares_memory(first, second)
    assert first.tobytes() == kept
    assert (first.shape, first.dtype) == ((MICRO.height, MICRO.width, 3), np.dtype(np.uint8))


def test_nan_is_no_wish(runtime: Runtime) -> None:
    nan = math.nan
    plain, odd = (Walker(runtime, picture(), rng_seed=1) for _ in range(2))
    expected = plain.step(Wish())
    assert (odd.step(Wish(forward=nan, strafe=nan, turn=nan, look_up=nan)) == expected).all()
    assert finite(odd.state)


@pytest.mark.parametrize("much", [1e9, -1e9, math.inf, -math.inf])
def test_huge_wishes_are_the_largest_there_are(runtime: Runtime, much: float) -> None:
    sign = math.copysign(1.0, much)
    largest, huge = (Walker(runtime, picture(), rng_seed=1) for _ in range(2))
    expected = largest.step(Wish(forward=sign, strafe=sign, turn=sign * LARGEST_TURN, look_up=sign * LARGEST_TURN))
    assert (huge.step(Wish(forward=much, strafe=much, turn=much, look_up=much)) == expected).all()
    assert math.atan(huge.state.pose.slope) == pytest.approx(sign * PITCH_LIMIT)
    for _ in range(20):
        huge.step(Wish(forward=much, strafe=much, turn=much, look_up=-much))
    assert finite(huge.state)
    assert all(abs(length) <= 1.0 for length in huge.state.past)


def test_another_picture_is_walked_into(runtime: Runtime) -> None:
    walker = Walker(runtime, picture(), rng_seed=1)
    for wish in WISHES:
        walker.step(wish)
    pose, frame = walker.state.pose, walker.state.frame
    walker.continue_from(picture(5))
    assert (walker.state.pose, walker.state.frame, len(walker.state.memory)) == (pose, frame, 1)
    assert (walker.state.view[:3].transpose(1, 2, 0) == picture(5)).all()
    walker.step(Wish())
    assert walker.state.frame == frame + 1


def test_a_state_stays_small(runtime: Runtime) -> None:
    """Six views remembered and one seen: of the size that ships 0.8 MB."""
    walker = Walker(runtime, picture(), rng_seed=1)
    for _ in range(60):
        walker.step(Wish(forward=1.0, turn=0.3))
    views = {id(array): array.nbytes for array in (walker.state.view, *(old.view for old in walker.state.memory))}
    assert sum(views.values()) <= 7 * 4 * MICRO.height * MICRO.width
    assert 7 * 4 * 128 * 224 < 1_000_000


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


def test_moves_are_told_along_the_old_axes() -> None:
    """To the east while looking east is forward; a turn through the back is a small one."""
    before, after = Pose(yaw=math.pi / 2.0, slope=0.1), Pose(x=2.0, y=0.5, yaw=-math.pi + 0.1, slope=-0.2)
    assert moves_between(before, after) == pytest.approx([0.0, 0.5, 2.0, math.pi / 2.0 + 0.1, 0.1, -0.2], abs=1e-6)
