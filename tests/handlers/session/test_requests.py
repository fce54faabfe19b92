"""Requests in order, each answered once, whatever happens."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from error_types import DomainError, ErrorCode
from handlers.session.commands import Command, SessionCommands
from handlers.session.requests import Answer, RequestQueue, RequestRunner, UnparsedRequest
from handlers.session.stats import SessionStats
from runtime_config.authoring_config import AuthoringConfig
from services.clock.system_clock import SystemClock
from services.metrics.prometheus_metrics import PrometheusMetrics
from tests.waiting import wait_until_async
from wire_protocol import (
    AnyClientMessage,
    AnyNotification,
    AnyRequest,
    CheckSeedSafetyRequest,
    CheckSeedSafetyResponseData,
    PauseNotification,
    RpcError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def _check(req_id: str) -> CheckSeedSafetyRequest:
    return CheckSeedSafetyRequest(type="check_seed_safety", req_id=req_id, image_data="")


class Commands(SessionCommands):
    """Of no session: the test brings its own command."""

    def __init__(self) -> None:
        pass

    def refused(self, request: AnyRequest, error: DomainError) -> None:
        del request, error


class Bench:
    """A runner whose requests wait until the test lets them go."""

    def __init__(self) -> None:
        self.queue = RequestQueue(max_requests=10, max_bytes=100)
        self.go = asyncio.Event()
        self.fail: Exception | None = None
        self.in_hand: list[str] = []
        self.answers: list[Answer] = []
        self.notified: list[AnyNotification] = []
        self.runner = RequestRunner(
            Commands(),
            self.queue,
            parse=self._parse,
            notify=self.notified.append,
            answer=self.answers.append,
            config=AuthoringConfig(),
            work_threads=ThreadPoolExecutor(1),
            clock=SystemClock(),
            metrics=PrometheusMetrics(),
            stats=SessionStats(),
            permitted=lambda request: request,
            registry={"check_seed_safety": Command(CheckSeedSafetyRequest, lambda _, request: self._check(request))},
        )

    async def _check(self, request: CheckSeedSafetyRequest) -> CheckSeedSafetyResponseData:
        self.in_hand.append(request.req_id)
        await self.go.wait()
        if self.fail is not None:
            raise self.fail
        return CheckSeedSafetyResponseData(is_safe=True, hash=request.req_id)

    def _parse(self, text: str) -> AnyClientMessage:
        match text:
            case "bad":
                raise DomainError("bad", ErrorCode.INVALID_REQUEST)
            case "notification":
                return PauseNotification(type="pause")
            case _:
                return _check(text)

    def codes(self) -> list[tuple[str, str | None]]:
        return [(answer.req_id, answer.code if isinstance(answer, RpcError) else None) for answer in self.answers]


def _run(scenario: Callable[[Bench], Coroutine[Any, Any, None]]) -> Bench:
    async def main() -> Bench:
        bench = Bench()
        await scenario(bench)
        return bench

    return asyncio.run(main())


def test_answers_come_in_the_order_of_the_requests() -> None:
    async def scenario(bench: Bench) -> None:
        for req_id in ("1", "2", "3"):
            assert bench.queue.offer(_check(req_id), 1)
        running = asyncio.create_task(bench.runner.run())
        bench.go.set()
        await wait_until_async(lambda: len(bench.answers) == 3, "all were answered")
        running.cancel()
        await asyncio.wait({running})

    assert [req_id for req_id, _ in _run(scenario).codes()] == ["1", "2", "3"]


def test_a_request_that_is_parsed_late_is_answered_too() -> None:
    async def scenario(bench: Bench) -> None:
        bench.go.set()
        for waiting in (UnparsedRequest("9", "bad"), UnparsedRequest(None, "notification"), UnparsedRequest(None, "7")):
            bench.queue.offer(waiting, 1)
        running = asyncio.create_task(bench.runner.run())
        await wait_until_async(lambda: len(bench.answers) == 2, "both were answered")
        running.cancel()
        await asyncio.wait({running})

    bench = _run(scenario)
    assert bench.codes() == [("9", "invalidRequest"), ("7", None)]
    assert bench.notified == [PauseNotification(type="pause")]


def test_an_unexpected_failure_is_an_answer_that_gives_nothing_away() -> None:
    async def scenario(bench: Bench) -> None:
        bench.fail = RuntimeError("secret")
        bench.go.set()
        bench.queue.offer(_check("1"), 1)
        running = asyncio.create_task(bench.runner.run())
        await wait_until_async(lambda: len(bench.answers) == 1, "it was answered")
        running.cancel()
        await asyncio.wait({running})

    bench = _run(scenario)
    assert bench.codes() == [("1", "internal")]
    assert "secret" not in repr(bench.answers[0])


def test_closing_answers_the_request_in_hand_and_those_that_wait() -> None:
    async def scenario(bench: Bench) -> None:
        for req_id in ("1", "2", "3"):
            bench.queue.offer(_check(req_id), 1)
        running = asyncio.create_task(bench.runner.run())
        await wait_until_async(lambda: bench.in_hand == ["1"], "the first one is in hand")
        running.cancel()
        await asyncio.wait({running})
        await bench.runner.close()

    assert _run(scenario).codes() == [(req_id, "cancelled") for req_id in ("1", "2", "3")]


def test_cancelling_answers_one_and_leaves_the_others() -> None:
    async def scenario(bench: Bench) -> None:
        for req_id in ("1", "2", "3"):
            bench.queue.offer(_check(req_id), 1)
        running = asyncio.create_task(bench.runner.run())
        await wait_until_async(lambda: bench.in_hand == ["1"], "the first one is in hand")
        bench.runner.cancel("2")
        bench.runner.cancel("1")
        bench.runner.cancel("no such")
        bench.go.set()
        await wait_until_async(lambda: len(bench.answers) == 3, "all were answered")
        running.cancel()
        await asyncio.wait({running})

    assert dict(_run(scenario).codes()) == {"1": "cancelled", "2": "cancelled", "3": None}


def test_the_queue_is_bounded_in_bytes_but_takes_one_of_any_size() -> None:
    async def scenario(bench: Bench) -> None:
        assert bench.queue.offer(_check("1"), 1_000)
        assert not bench.queue.offer(_check("2"), 1)
        assert await bench.queue.next() == _check("1")
        assert bench.queue.offer(_check("2"), 60)
        assert not bench.queue.offer(_check("3"), 60)

    _run(scenario)
