"""The parts of the host that need no process: rounds, slots, regions, restarts, and memory that has no name."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from services.engine_host._frame_slots import FrameSlots
from services.engine_host._inbox import Inbox
from services.engine_host._messages import Call, CloseEngine, CloseWorld, Step, TakeSnapshot
from services.engine_host._pace_meter import PaceMeter
from services.engine_host._regions import Regions
from services.engine_host._restarts import RestartBudget
from services.engine_host._shared_memory import SharedMemory, pages
from services.world_engine.world_engine import NO_CONTROL
from tests.waiting import deadline_s

PAGE = pages(1)


def step(number: int, world: int) -> Call:
    return Call(number, Step(world, NO_CONTROL, None))


# --------------------------------------------------------------------------------------------------- rounds


def test_a_round_is_every_step_that_waits_in_its_order_and_one_other_call() -> None:
    inbox = Inbox()
    for call in (step(1, 7), Call(2, TakeSnapshot(8)), step(3, 9), Call(4, CloseWorld(6))):
        inbox.put(call)
    todo = inbox.next_round()
    assert [call.number for call in todo.others] == [2]
    assert [(call.number, turn.world) for call, turn in todo.steps] == [(1, 7), (3, 9)]
    assert not todo.is_last
    inbox.put(step(5, 7))
    rest = inbox.next_round()
    assert ([call.number for call, _ in rest.steps], [call.number for call in rest.others]) == ([5], [4])


def test_the_last_round_leaves_nothing_behind() -> None:
    inbox = Inbox()
    for call in (Call(1, TakeSnapshot(8)), Call(2, CloseWorld(6)), step(3, 9), CloseEngine()):
        inbox.put(call)
    todo = inbox.next_round()
    assert todo.is_last
    assert [call.number for call in todo.others] == [1, 2]


def test_whoever_comes_during_a_round_is_part_of_the_next_one_however_quick_others_are() -> None:
    inbox = Inbox()
    inbox.put(step(1, 1))
    inbox.next_round()
    inbox.put(step(2, 2))
    inbox.put(step(3, 1))  # the first one again
    assert [turn.world for _, turn in inbox.next_round().steps] == [2, 1]


def test_a_step_waits_for_those_of_the_last_batch_that_come_at_once_and_not_for_others() -> None:
    inbox = Inbox()
    inbox.stepped_together(frozenset({1, 2}), 9.0)  # of which at most a few milliseconds are waited
    inbox.put(step(1, 1))
    assert [turn.world for _, turn in inbox.next_round().steps] == [1]
    inbox.stepped_together(frozenset({1}), 9.0)
    inbox.put(step(2, 1))
    inbox.put(step(3, 3))
    assert [turn.world for _, turn in inbox.next_round().steps] == [1, 3]


def test_closing_ends_the_wait_for_calls() -> None:
    inbox, rounds = Inbox(), list[bool]()
    waiting = threading.Thread(target=lambda: rounds.append(inbox.next_round().is_last), daemon=True)
    waiting.start()
    inbox.put(CloseEngine())
    waiting.join(deadline_s())
    assert rounds == [True]


# --------------------------------------------------------------------------------------------------- memory


def test_a_slot_is_free_again_when_the_last_array_that_looks_into_it_is_gone() -> None:
    slots = FrameSlots(SharedMemory(2 * PAGE), 2 * PAGE, (2, 4, 6, 3))
    offsets = slots.take(), slots.take()
    assert slots.take() is None
    assert offsets == (0, PAGE)
    frames = slots.hand_over(0)
    last = frames[-1][1:]
    del frames
    assert slots.take() is None
    del last
    assert slots.take() == 0


def test_what_is_handed_over_is_the_memory_itself() -> None:
    memory = SharedMemory(PAGE)
    frames = FrameSlots(memory, PAGE, (1, 2, 2, 3)).hand_over(0)
    memory.array(0, 12)[:] = range(12)
    assert frames.ravel().tolist() == list(range(12))


def test_memory_that_was_handed_over_outlives_its_owner() -> None:
    frames = FrameSlots(SharedMemory(PAGE), PAGE, (1, 2, 2, 3)).hand_over(0)
    frames[:] = 7
    assert np.all(frames == 7)


def test_regions_are_given_back_in_any_order_and_become_whole_again() -> None:
    regions = Regions(PAGE, 3 * PAGE)
    taken = [regions.take(1), regions.take(PAGE), regions.take(PAGE - 1)]
    assert taken == [PAGE, 2 * PAGE, 3 * PAGE]
    assert regions.take(1) is None
    for offset in (PAGE, 3 * PAGE, 2 * PAGE):
        regions.give_back(offset)
    assert regions.take(3 * PAGE) == PAGE
    with pytest.raises(KeyError):
        regions.give_back(2 * PAGE)


# ------------------------------------------------------------------------------------------ restarts, and pace


def test_restarts_are_bounded_and_come_back_with_time() -> None:
    budget = RestartBudget(most=2, window_s=10)
    assert [budget.take(now) for now in (0.0, 5.0, 9.0, 10.0, 11.0, 15.0)] == [True, True, False, True, False, True]


def test_the_pace_is_the_usual_time_of_the_newest_passes() -> None:
    meter = PaceMeter()
    assert meter.pass_s() == {}
    for seconds in (9.0, 0.1, 0.1, 0.2):
        meter.stepped(1, seconds)
    meter.stepped(2, 0.3)
    assert meter.pass_s() == {1: pytest.approx(0.15), 2: 0.3}
    for _ in range(100):
        meter.stepped(1, 0.5)
    assert meter.pass_s()[1] == 0.5
