"""The line in front of the decoder: first come, first served, and never more at a time than the budget."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from handlers.base import in_thread
from services.picture_decoder.picture_decoder import PictureError, PictureFault
from services.picture_decoder.pillow_picture_decoder import PillowPictureDecoder
from services.picture_decoder.pixel_budget import PixelBudget, PixelBudgetExceededError
from tests.services.picture_decoder.pictures import quadrants, save
from tests.waiting import deadline_s, wait_until, wait_until_async

if TYPE_CHECKING:
    from concurrent.futures import Future


class Guests:
    """Threads that hold parts of one budget until they are told to go."""

    def __init__(self, budget: PixelBudget, threads: ThreadPoolExecutor) -> None:
        self._budget = budget
        self._threads = threads
        self._may_go: dict[str, threading.Event] = {}
        self.inside: list[str] = []
        self.most = 0
        self._held = 0
        self._lock = threading.Lock()

    def join(self, name: str, pixels: int) -> Future[None]:
        """Line up behind those who came before, or go in."""
        self._may_go[name] = threading.Event()
        before = len(self.inside) + self._budget.waiting()
        coming = self._threads.submit(self._visit, name, pixels)
        wait_until(lambda: len(self.inside) + self._budget.waiting() > before, f"{name} came")
        return coming

    def leave(self, name: str) -> None:
        self._may_go[name].set()
        wait_until(lambda: name not in self.inside, f"{name} left")

    def _visit(self, name: str, pixels: int) -> None:
        with self._budget.hold(pixels):
            with self._lock:
                self._held += pixels
                self.most = max(self.most, self._held)
                self.inside.append(name)
            assert self._may_go[name].wait(deadline_s())
            with self._lock:
                self._held -= pixels
                self.inside.remove(name)


def test_nobody_overtakes_and_the_budget_is_kept() -> None:
    with ThreadPoolExecutor(8) as threads:
        guests = Guests(PixelBudget(10), threads)
        guests.join("a", 6)
        guests.join("b", 6)
        guests.join("c", 2)  # would fit beside a, but b came before
        assert guests.inside == ["a"]
        guests.leave("a")
        wait_until(lambda: guests.inside == ["b", "c"], "the next came in")
        guests.join("d", 4)
        assert guests.inside == ["b", "c"]
        guests.leave("b")
        wait_until(lambda: guests.inside == ["c", "d"], "the next came in")
        guests.leave("c")
        guests.leave("d")
        assert guests.most == 8


def test_what_is_larger_than_the_budget_is_alone() -> None:
    with ThreadPoolExecutor(8) as threads:
        guests = Guests(PixelBudget(10), threads)
        guests.join("small", 1)
        guests.join("huge", 50)
        guests.join("next", 1)
        assert guests.inside == ["small"]
        guests.leave("small")
        wait_until(lambda: guests.inside == ["huge"], "the next came in")
        guests.leave("huge")
        wait_until(lambda: guests.inside == ["next"], "the next came in")
        guests.leave("next")


def test_who_loses_patience_leaves_the_line() -> None:
    budget = PixelBudget(10, patience_s=0.05)
    with ThreadPoolExecutor(8) as threads:
        guests = Guests(budget, threads)
        guests.join("a", 10)
        with pytest.raises(PixelBudgetExceededError), budget.hold(10):
            pass
        assert budget.waiting() == 0
        guests.leave("a")
        with budget.hold(10):
            pass


def test_a_block_that_fails_gives_its_part_back() -> None:
    budget = PixelBudget(10)
    with pytest.raises(LookupError), budget.hold(10):
        raise LookupError
    with budget.hold(10):
        pass


def test_closing_sends_everybody_away() -> None:
    budget = PixelBudget(10)
    with ThreadPoolExecutor(8) as threads:
        guests = Guests(budget, threads)
        guests.join("a", 10)
        waiting = guests.join("b", 10)
        budget.close()
        assert isinstance(waiting.exception(deadline_s()), PixelBudgetExceededError)
        with pytest.raises(PixelBudgetExceededError), budget.hold(1):
            pass
        guests.leave("a")


def test_a_caller_who_is_cancelled_leaves_the_line() -> None:
    """Those behind are let in, and what was cancelled is never decoded."""
    budget = PixelBudget(10)
    entered: list[str] = []

    def enter(name: str, pixels: int) -> None:
        with budget.hold(pixels):
            entered.append(name)

    async def scenario(threads: ThreadPoolExecutor) -> None:
        with budget.hold(8):
            large = asyncio.create_task(in_thread(threads, lambda: enter("large", 8)))
            await wait_until_async(lambda: budget.waiting() == 1, "the large one waits")
            small = asyncio.create_task(in_thread(threads, lambda: enter("small", 2)))
            await wait_until_async(lambda: budget.waiting() == 2, "the small one waits behind it")
            large.cancel()
            await small
            assert large.cancelled()

    with ThreadPoolExecutor(2) as threads:
        asyncio.run(scenario(threads))
    assert entered == ["small"]


def test_memory_is_given_back_after_a_large_picture_alone() -> None:
    given: list[None] = []
    budget = PixelBudget(100_000_000, give_memory_back=lambda: given.append(None))
    with budget.hold(1000):
        pass
    assert given == []
    with budget.hold(20_000_000):
        assert given == []
    assert given == [None]


def test_a_picture_whose_turn_does_not_come_is_told_so() -> None:
    budget = PixelBudget(10, patience_s=0.05)
    data = save(quadrants(40, 20), "PNG")
    with budget.hold(10), pytest.raises(PictureError) as caught:
        PillowPictureDecoder(budget).decode(data, width=8, height=8)
    assert caught.value.code is PictureFault.TOO_BUSY
    assert PillowPictureDecoder(budget).decode(data, width=8, height=8).shape == (8, 8, 3)
