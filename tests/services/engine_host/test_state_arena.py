"""Where states of worlds lie: a region for each, free again with its last user, and memory that goes back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from services.engine_host._shared_memory import pages
from services.engine_host._state_arena import StateArena
from tests.waiting import wait_until

if TYPE_CHECKING:
    from services.engine_host._messages import Region

PAGE = pages(1)
SIZE = 16 * PAGE


class Writer:
    """Stands for the process: it touches what it is asked to."""

    def __init__(self) -> None:
        self.warmed: list[Region] = []
        self.arena = StateArena(4 * SIZE, self.warm, "test")
        self.arena.enter()

    def warm(self, region: Region) -> None:
        self.arena.memory.populate(region.offset, region.size)
        self.warmed.append(region)

    def write(self, value: int, size: int = SIZE) -> memoryview:
        place = self.arena.take(SIZE)
        assert place is not None
        self.arena.memory.array(place.offset, size)[:] = value
        return self.arena.hand_over(place, size)


def test_states_are_kept_apart_and_found_again() -> None:
    writer = Writer()
    states = [writer.write(value) for value in (3, 4)]
    assert [set(state) for state in states] == [{3}, {4}]
    places = [writer.arena.find(state) for state in states]
    assert None not in places
    assert len({place.offset for place in places if place is not None}) == 2
    assert writer.arena.find(b"from a file") is None
    assert writer.arena.find(memoryview(np.zeros(9, np.uint8).data)) is None
    writer.arena.close()


def test_a_state_keeps_its_region_as_long_as_anybody_looks_at_it() -> None:
    writer = Writer()
    state = writer.write(7)
    part, where = state[5:9], writer.arena.find(state)
    del state
    others = [writer.write(value) for value in (1, 2)]  # and the spare is the fourth
    assert where not in [writer.arena.find(other) for other in others]
    assert bytes(part) == b"\x07" * 4
    writer.arena.close()
    assert bytes(part) == b"\x07" * 4


def test_what_is_free_is_kept_ready_for_the_next_state() -> None:
    writer = Writer()
    first = writer.write(1)
    wait_until(lambda: len(writer.warmed) == 1, "a warm region")
    warm = writer.warmed[0]
    wait_until(lambda: writer.arena.has_spare, "a spare")
    second = writer.write(2)
    assert writer.arena.find(second) == warm
    assert set(first) == {1}
    writer.arena.close()


def test_where_there_is_no_room_that_is_said_and_memory_is_reused_afterwards() -> None:
    writer = Writer()
    kept: list[memoryview] = []
    while (place := writer.arena.take(SIZE)) is not None:
        kept.append(writer.arena.hand_over(place, SIZE))
    assert 3 <= len(kept) <= 4  # the spare may have had the last one
    kept.clear()
    wait_until(lambda: writer.arena.take(SIZE) is not None, "room")
    writer.arena.close()


def test_memory_goes_back_to_the_system_and_the_thread_ends() -> None:
    threads = threading.active_count()
    writer = Writer()
    place = writer.arena.take(SIZE)
    assert place is not None
    view = writer.arena.memory.array(place.offset, SIZE)
    view[:] = 9
    writer.arena.leave()
    writer.arena.give_back(place)
    wait_until(lambda: not view.any(), "memory that was given back")
    state = writer.arena.take(SIZE)
    assert state is not None
    held = writer.arena.hand_over(state, SIZE)
    writer.arena.close()
    assert writer.arena.take(SIZE) is None
    assert threading.active_count() == threads + 1  # for the state that is still held
    del held
    wait_until(lambda: threading.active_count() == threads, "the end of the thread")
