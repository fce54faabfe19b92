"""What a walker remembers."""

from __future__ import annotations

import math

import numpy as np

from world_model.memory import CAPACITY, Memory, Pose, Remembered, next_anchor, recall, remember


def view(value: int) -> np.ndarray:
    return np.full((4, 1, 1), value % 256, dtype=np.uint8)


def recalled(memory: Memory, pose: Pose, turn: float) -> Pose:
    found = recall(memory, pose, turn)
    assert found is not None
    return found.pose


def turned_round(step_deg: float) -> Memory:
    memory: Memory = ()
    for n in range(int(355.0 / step_deg)):
        memory = remember(memory, view(n), Pose(yaw=math.radians(n * step_deg)))
    return memory


def test_the_same_look_is_remembered_once() -> None:
    first = remember((), view(1), Pose())
    assert remember(first, view(2), Pose(yaw=0.2, x=0.3)) is first
    assert len(remember(first, view(2), Pose(yaw=math.pi))) == 2
    assert len(remember(first, view(2), Pose(z=3.0))) == 2


def test_a_full_turn_on_the_spot_ends_where_it_began() -> None:
    for step in (1.0, 3.7, 9.0):
        memory = turned_round(step)
        assert len(memory) <= CAPACITY
        assert recalled(memory, Pose(yaw=math.radians(355.0)), 0.02).yaw == 0.0
        if step < 5.0:  # a view shows 72 degrees: the circle is closed, but not for one who whirls round
            gaps = np.diff([*(old.pose.yaw for old in memory), 2.0 * math.pi])
            assert gaps.max() < math.radians(72.0)


def test_memory_is_bounded_and_lets_go_of_the_farthest() -> None:
    memory: Memory = ()
    for metre in range(0, 60, 2):
        memory = remember(memory, view(metre), Pose(z=float(metre)))
    assert [old.pose.z for old in memory] == [48.0, 50.0, 52.0, 54.0, 56.0, 58.0]


def test_what_comes_into_view_is_recalled() -> None:
    memory = remember(remember((), view(1), Pose(yaw=-1.0)), view(2), Pose(yaw=1.0))
    assert recalled(memory, Pose(), 0.05).yaw == 1.0
    assert recalled(memory, Pose(), -0.05).yaw == -1.0


def test_of_two_looks_alike_the_nearer_is_recalled() -> None:
    memory = remember(remember((), view(1), Pose(z=-9.0)), view(2), Pose(z=-2.0))
    assert recalled(memory, Pose(), 0.0).z == -2.0


def test_what_looks_elsewhere_is_not_recalled() -> None:
    assert recall(remember((), view(1), Pose(yaw=math.pi)), Pose(), 0.05) is None
    assert recall((), Pose(), 0.05) is None


def test_an_anchor_stays_while_it_is_near() -> None:
    anchor = Remembered(view(1), Pose())
    assert next_anchor(anchor, (anchor,), view(2), Pose(z=0.2, yaw=0.1)) is anchor
    assert next_anchor(anchor, (anchor,), view(2), Pose(yaw=1.0)).pose == Pose(yaw=1.0)


def test_an_anchor_is_come_back_to() -> None:
    first, second = Remembered(view(1), Pose()), Remembered(view(2), Pose(yaw=1.0))
    assert next_anchor(second, (first, second), view(3), Pose(yaw=0.05)) is first
