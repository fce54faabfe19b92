"""Keyframes that are made beside the frames: waited for, forgotten, and what comes of a failure."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.waiting import deadline_s
from tests.world_model.test_keyframes import FlatSeer, sideways, walked
from world_model.config import MICRO
from world_model.keyframe_work import KeyframeFailedError, KeyframeWork
from world_model.keyframes import KeyframeKeeper, KeyframeState
from world_model.layer_renderer import LayerRenderer
from world_model.pose import Pose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from world_model.layers import Bytes, Layers

PICTURE = np.full((MICRO.height, MICRO.width, 3), 90, dtype=np.uint8)


class HeldSeer(FlatSeer):
    """Looks at a later keyframe only when it is let, and fails as often as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.let, self.failures = Event(), Event(), 0

    def see(self, picture: Bytes, slope: float, *, doubt: float | None = None) -> Layers:
        if self.seen:
            self.begun.set()
            assert self.let.wait(deadline_s())
        if self.seen and self.failures:
            self.failures -= 1
            raise MemoryError
        return super().see(picture, slope, doubt=doubt)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


def an_order(keeper: KeyframeKeeper) -> KeyframeState:
    _, state = walked(keeper, keeper.begin(PICTURE, Pose()), sideways(0.8, 24))
    assert state.order is not None
    return state


def keeper_of(seer: FlatSeer) -> KeyframeKeeper:
    return KeyframeKeeper(MICRO, seer, LayerRenderer(MICRO))


def test_frames_go_on_while_a_keyframe_is_made(threads: ThreadPoolExecutor) -> None:
    """The step at which it is due waits for it."""
    seer = HeldSeer()
    keeper = keeper_of(seer)
    state, work = an_order(keeper), KeyframeWork(keeper, threads)
    work.follow(state)
    assert seer.begun.wait(deadline_s())
    assert state.order is not None
    for _ in range(state.order.due - state.frame):
        _, state = keeper.frame(state, state.pose, work.made)
        work.follow(state)
    assert len(seer.seen) == 1
    seer.let.set()
    while state.order is not None:
        _, state = keeper.frame(state, Pose(x=1.0), work.made)
    assert len(seer.seen) == 2
    assert state.current.slot == 1


def test_what_is_forgotten_is_not_begun(threads: ThreadPoolExecutor) -> None:
    """Behind another world's keyframe, which fills the only thread."""
    seer, other = HeldSeer(), HeldSeer()
    keeper, other_keeper = keeper_of(seer), keeper_of(other)
    busy, work = KeyframeWork(other_keeper, threads), KeyframeWork(keeper, threads)
    busy.follow(an_order(other_keeper))
    assert other.begun.wait(deadline_s())
    work.follow(an_order(keeper))
    work.forget()
    work.forget()
    other.let.set()
    threads.shutdown()
    assert (len(other.seen), len(seer.seen)) == (2, 1)


def test_a_failure_is_told_at_the_step_that_needs_the_keyframe_and_can_be_tried_again(
    threads: ThreadPoolExecutor,
) -> None:
    seer = HeldSeer()
    seer.let.set()
    keeper = keeper_of(seer)
    state, work = an_order(keeper), KeyframeWork(keeper, threads)
    seer.failures = 1
    work.follow(state)
    with pytest.raises(KeyframeFailedError) as failed:
        work.made(state)
    assert isinstance(failed.value.__cause__, MemoryError)
    assert work.made(state).slot == 1
