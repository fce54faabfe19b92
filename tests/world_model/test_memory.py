"""What a walker remembers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from world_model.memory import (
    CAPACITY,
    Memory,
    Pose,
    Remembered,
    around,
    has_left,
    imagine,
    next_anchor,
    recall,
    remember,
    taken_along,
)

FOV = math.radians(72.0)


def view(value: int) -> np.ndarray:
    return np.full((4, 1, 1), value % 256, dtype=np.uint8)


def recalled(memory: Memory, pose: Pose, turn: float) -> Pose:
    found = recall(memory, pose, turn)
    assert found is not None
    return found.pose


def home_at(pose: Pose) -> Remembered:
    return Remembered(view(0), pose)


HOME = home_at(Pose())
ELSEWHERE = home_at(Pose(x=100.0))


def a_picture() -> Remembered:
    """Every pixel another: a home that is seen to be mirrored or shifted."""
    return Remembered(np.arange(4 * 2 * 6, dtype=np.uint8).reshape(4, 2, 6), Pose(x=1.0, y=2.0, z=3.0, slope=0.1))


def turned_round(step_deg: float) -> Memory:
    memory: Memory = ()
    for n in range(int(355.0 / step_deg)):
        memory = remember(HOME, memory, view(n), Pose(yaw=math.radians(n * step_deg)))
    return memory


def test_the_same_look_is_remembered_once() -> None:
    first = remember(ELSEWHERE, (), view(1), Pose())
    assert remember(ELSEWHERE, first, view(2), Pose(yaw=0.2, x=0.3)) is first
    assert len(remember(ELSEWHERE, first, view(2), Pose(yaw=math.pi))) == 2
    assert len(remember(ELSEWHERE, first, view(2), Pose(z=3.0))) == 2


def test_a_view_that_home_shows_is_not_remembered_again() -> None:
    assert remember(HOME, (), view(1), Pose(yaw=0.2, x=0.3)) == ()
    assert len(remember(HOME, (), view(1), Pose(yaw=math.pi))) == 1


def test_a_full_turn_on_the_spot_ends_where_it_began() -> None:
    for step in (1.0, 3.7, 9.0):
        memory = turned_round(step)
        assert len(memory) <= CAPACITY
        assert recall((HOME, *memory), Pose(yaw=math.radians(355.0)), 0.02) is HOME
        if step < 5.0:  # a view shows 72 degrees: the circle is closed, but not for one who whirls round
            gaps = np.diff([0.0, *(old.pose.yaw for old in memory), 2.0 * math.pi])
            assert gaps.max() < math.radians(72.0)


def test_memory_is_bounded_and_lets_go_of_the_farthest() -> None:
    memory: Memory = ()
    for metre in range(0, 60, 2):
        memory = remember(HOME, memory, view(metre), Pose(z=float(metre)))
    assert [old.pose.z for old in memory] == [50.0, 52.0, 54.0, 56.0, 58.0]


def test_what_comes_into_view_is_recalled() -> None:
    left, right = Pose(yaw=-1.1), Pose(yaw=1.1)
    memory = (HOME, *remember(HOME, remember(HOME, (), view(1), left), view(2), right))
    assert recalled(memory, Pose(yaw=0.3), 0.05) == right
    assert recalled(memory, Pose(yaw=-0.3), -0.05) == left
    assert recalled(memory, Pose(yaw=0.3), 0.0) == HOME.pose


def test_the_nearer_of_two_similar_views_is_recalled() -> None:
    memory = remember(ELSEWHERE, remember(ELSEWHERE, (), view(1), Pose(z=-9.0)), view(2), Pose(z=-2.0))
    assert recalled(memory, Pose(), 0.0).z == -2.0


def test_what_looks_elsewhere_is_not_recalled() -> None:
    assert recall((home_at(Pose(yaw=math.pi)),), Pose(), 0.05) is None
    assert recall((), Pose(), 0.05) is None


def test_an_anchor_stays_while_it_is_near() -> None:
    anchor = Remembered(view(1), Pose())
    assert next_anchor(anchor, (anchor,), view(2), Pose(z=0.2, yaw=0.1)) is anchor
    assert next_anchor(anchor, (anchor,), view(2), Pose(yaw=1.0)).pose == Pose(yaw=1.0)


def test_a_walker_returns_to_an_older_anchor() -> None:
    first, second = Remembered(view(1), Pose()), Remembered(view(2), Pose(yaw=1.0))
    assert next_anchor(second, (first, second), view(3), Pose(yaw=0.05)) is first


@pytest.mark.parametrize("ahead", [0.0, 2.9, -2.9])
def test_home_itself_lies_ahead(ahead: float) -> None:
    home = home_at(Pose(yaw=ahead))
    for yaw in (ahead, ahead + 0.49 * FOV, ahead - 0.49 * FOV):
        assert around(home, yaw, FOV) is home
        assert around(home, math.remainder(yaw, 2.0 * math.pi), FOV) is home


def test_images_around_home_join_each_other() -> None:
    home = a_picture()
    left, right, farther = (around(home, tile * FOV, FOV) for tile in (-1, 1, 2))
    for one, next_to_it in ((left, home), (home, right), (right, farther)):
        np.testing.assert_array_equal(one.view[:, :, -1], next_to_it.view[:, :, 0])
        assert next_to_it.pose.yaw - one.pose.yaw == pytest.approx(FOV)
    np.testing.assert_array_equal(right.view, home.view[:, :, ::-1])
    np.testing.assert_array_equal(farther.view, home.view)
    assert right.pose == Pose(x=1.0, y=2.0, z=3.0, yaw=FOV, slope=0.1)


@pytest.mark.parametrize("ahead", [0.0, 3.1, -3.1])
def test_there_is_an_image_in_every_direction(ahead: float) -> None:
    home = home_at(Pose(yaw=ahead))
    for yaw in np.linspace(-math.pi, math.pi, 181).tolist():
        found = around(home, yaw, FOV).pose.yaw
        assert abs(found) <= math.pi
        assert abs(math.remainder(found - yaw, 2.0 * math.pi)) <= 0.5 * FOV + 1e-9


def test_nothing_is_imagined_while_nothing_comes_in() -> None:
    for aside in (0.0, 5e-4, -5e-4):
        assert imagine(HOME, Pose(yaw=2.0), aside, FOV) is None


def test_what_comes_in_at_a_side_is_imagined() -> None:
    home, pose = a_picture(), Pose(yaw=0.3)
    assert imagine(home, pose, -0.02, FOV) is home
    right = imagine(home, pose, 0.02, FOV)
    assert right is not None
    assert right.pose.yaw == pytest.approx(FOV)


def test_home_is_left_after_fifteen_metres_and_taken_along() -> None:
    home, there = Remembered(view(7), Pose(x=1.0, yaw=0.5, slope=0.1)), Pose(x=13.0, y=3.0, z=9.0, yaw=2.0, slope=-0.2)
    assert not has_left(home, Pose(x=15.9, yaw=2.0))
    assert has_left(home, there)
    taken = taken_along(home, there)
    assert taken.pose == Pose(x=13.0, y=3.0, z=9.0, yaw=0.5, slope=0.1)
    assert taken.view is home.view
