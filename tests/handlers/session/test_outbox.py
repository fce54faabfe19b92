"""What is sent, in which order, and what gives way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from handlers.session.outbox import CloseFrame, Outbox, Outgoing, OutgoingPass
from handlers.session.stats import SessionStats
from tests.fakes.fake_clock import FakeClock
from tests.waiting import deadline_s
from wire_protocol import LogMessage, StageId, StatusMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


CLOCK = FakeClock()


def _pass(first_frame_id: int) -> OutgoingPass:
    return OutgoingPass(b"", first_frame_id, 4, None, 0.0)


def _status(text: str) -> StatusMessage:
    return StatusMessage(stage=StageId.READY, message=text)


def _run(scenario: Callable[[Outbox], Coroutine[Any, Any, None]]) -> list[bool]:
    overflows: list[bool] = []

    async def main() -> None:
        await scenario(Outbox(CLOCK, SessionStats(), 3, lambda: overflows.append(True)))

    asyncio.run(main())
    return overflows


async def _send(outbox: Outbox, first_frame_id: int) -> int:
    """What the writer does with a pass; the number of its receipt."""
    outbox.post_pass(_pass(first_frame_id))
    outgoing = await outbox.next()
    assert outgoing == _pass(first_frame_id)
    return outbox.pass_sent(_pass(first_frame_id))


async def _all(outbox: Outbox) -> list[Outgoing]:
    items: list[Outgoing] = []
    while True:
        try:
            async with asyncio.timeout(0.01):
                items.append(await outbox.next())
        except TimeoutError:
            return items


def test_messages_keep_their_order_and_go_before_frames() -> None:
    async def scenario(outbox: Outbox) -> None:
        outbox.post_pass(_pass(1))
        outbox.post(_status("a"))
        outbox.post(_status("b"))
        assert await _all(outbox) == [_status("a"), _status("b"), _pass(1)]

    assert not _run(scenario)


def test_an_unsent_pass_gives_way_to_a_newer_one() -> None:
    async def scenario(outbox: Outbox) -> None:
        assert not outbox.post_pass(_pass(1))
        assert outbox.post_pass(_pass(5))
        assert await _all(outbox) == [_pass(5)]

    _run(scenario)


def test_a_client_that_acknowledges_is_two_passes_behind_at_most() -> None:
    async def scenario(outbox: Outbox) -> None:
        await _send(outbox, 0)
        outbox.acknowledge(0, None)
        for first in (1, 5):
            await _send(outbox, first)
        outbox.post_pass(_pass(9))
        assert await _all(outbox) == []
        outbox.acknowledge(1, None)
        assert await _all(outbox) == [_pass(9)]

    _run(scenario)


def test_a_receipt_lets_the_next_pass_go() -> None:
    async def scenario(outbox: Outbox) -> None:
        outbox.receipt(outbox.receipts_begin())
        numbers = [await _send(outbox, first) for first in (1, 5)]
        outbox.post_pass(_pass(9))
        assert await _all(outbox) == []
        outbox.receipt(numbers[-1])
        assert await _all(outbox) == [_pass(9)]

    _run(scenario)


def test_another_world_forgets_what_was_not_confirmed() -> None:
    async def scenario(outbox: Outbox) -> None:
        await _send(outbox, 99)
        outbox.acknowledge(99, None)
        for first in (100, 104):
            await _send(outbox, first)
        outbox.begin_epoch(1)
        outbox.post_pass(_pass(0))
        assert await _all(outbox) == [_pass(0)]

    _run(scenario)


def test_the_farewell_comes_last_and_nothing_after_it() -> None:
    async def scenario(outbox: Outbox) -> None:
        outbox.post(_status("last words"))
        outbox.post_pass(_pass(1))
        outbox.close(1000, "bye")
        outbox.close(1011, "too late")
        outbox.post(_status("too late"))
        outbox.post_pass(_pass(2))
        outbox.post_log(LogMessage(event="too late"))
        assert [await outbox.next(), await outbox.next()] == [_status("last words"), CloseFrame(1000, "bye")]

    _run(scenario)


def test_logs_are_dropped_oldest_first_messages_never() -> None:
    async def scenario(outbox: Outbox) -> None:
        for number in range(1000):
            outbox.post_log(LogMessage(event=str(number)))
        items = await _all(outbox)
        assert len(items) == 256
        assert items[-1] == LogMessage(event="999")

    assert not _run(scenario)


def test_too_many_unread_messages_are_told_once() -> None:
    async def scenario(outbox: Outbox) -> None:
        for _ in range(10):
            outbox.post(_status("unread"))

    assert _run(scenario) == [True]


@pytest.mark.parametrize("what", ["message", "pass", "log", "close"])
def test_the_writer_wakes_for_everything(what: str) -> None:
    async def scenario(outbox: Outbox) -> None:
        waiting = asyncio.create_task(outbox.next())
        await asyncio.sleep(0)
        match what:
            case "message":
                outbox.post(_status("x"))
            case "pass":
                outbox.post_pass(_pass(1))
            case "log":
                outbox.post_log(LogMessage(event="x"))
            case _:
                outbox.close(1000, "")
        async with asyncio.timeout(deadline_s()):
            assert await waiting is not None

    _run(scenario)
