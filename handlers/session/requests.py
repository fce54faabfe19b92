"""The requests of one session: kept in order, answered one by one, each exactly once."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import structlog

from error_types import DomainError, ErrorCode
from handlers.session.refusals import init_error, request_error
from wire_protocol import (
    AnyRequest,
    ExtendedResponseData,
    ExtendedRpcSuccess,
    GenerateSceneRequest,
    InitRequest,
    RpcError,
    SceneEditRequest,
    TimedRequest,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UnparsedRequest:
    """A message too large to be parsed by the receiver; `req_id` was read off its text."""

    req_id: str | None
    text: str


Waiting: TypeAlias = AnyRequest | UnparsedRequest
Answer: TypeAlias = ExtendedRpcSuccess | RpcError


@dataclass(frozen=True, slots=True)
class _Entry:
    waiting: Waiting
    size: int


class RequestQueue:
    """Bounded in number and in bytes. Touched by the event loop's thread alone."""

    def __init__(self, max_requests: int, max_bytes: int) -> None:
        self._entries: deque[_Entry] = deque()
        self._bytes = 0
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._filled = asyncio.Event()

    def offer(self, waiting: Waiting, size: int) -> bool:
        """Whether it was taken. One request is always taken, however large."""
        full = len(self._entries) >= self._max_requests or self._bytes + size > self._max_bytes
        if self._entries and full:
            return False
        self._entries.append(_Entry(waiting, size))
        self._bytes += size
        self._filled.set()
        return True

    async def next(self) -> Waiting:
        while not self._entries:
            self._filled.clear()
            await self._filled.wait()
        return self._pop().waiting

    def remove(self, req_id: str) -> bool:
        """Whether a request of that id was still waiting."""
        found = next((entry for entry in self._entries if entry.waiting.req_id == req_id), None)
        if found is None:
            return False
        self._entries.remove(found)
        self._bytes -= found.size
        return True

    def empty(self) -> list[Waiting]:
        """Take out everything that waits."""
        return [self._pop().waiting for _ in range(len(self._entries))]

    def _pop(self) -> _Entry:
        entry = self._entries.popleft()
        self._bytes -= entry.size
        return entry


class RequestWorker:
    """Takes one request after the other, but for scenes in words: those take long, and are made beside the others, so
    that the world can be left, changed or reset meanwhile.

    `serve` does the work; `parse` reads a large message, or raises `DomainError` (None: it was no request, and has been
    dealt with). `limit_s` is for requests that name no limit of their own.
    """

    def __init__(
        self,
        queue: RequestQueue,
        *,
        serve: Callable[[AnyRequest], Awaitable[ExtendedResponseData]],
        parse: Callable[[UnparsedRequest], Awaitable[AnyRequest | None]],
        answer: Callable[[Answer], None],
        refused: Callable[[AnyRequest, DomainError], None],
        clock: Clock,
        metrics: Metrics,
        limit_s: Callable[[AnyRequest], float | None] = lambda _: None,
    ) -> None:
        self._queue = queue
        self._serve = serve
        self._parse = parse
        self._answer = answer
        self._refused = refused
        self._clock = clock
        self._metrics = metrics
        self._limit_s = limit_s
        self._beside: dict[asyncio.Task[None], str] = {}
        self._current: asyncio.Task[None] | None = None
        self._current_id: str | None = None

    async def run(self) -> None:
        while True:
            waiting = await self._queue.next()
            if isinstance(waiting, SceneEditRequest | GenerateSceneRequest):
                task = asyncio.create_task(self._work_on(waiting))
                self._beside[task] = waiting.req_id
                task.add_done_callback(self._ended_beside)
                continue
            self._current_id = waiting.req_id
            self._current = asyncio.create_task(self._work_on(waiting))
            try:
                await asyncio.wait({self._current})
            finally:
                self._current.cancel()
            await self._current
            self._current = self._current_id = None

    def cancel(self, req_id: str) -> None:
        """Give up a request that was not answered yet; it is answered as cancelled."""
        beside = next((task for task, known in self._beside.items() if known == req_id), None)
        if beside is not None:
            beside.cancel()
        elif self._current is not None and self._current_id == req_id:
            self._current.cancel()
        elif self._queue.remove(req_id):
            self._answer(_cancelled(req_id))

    async def close(self) -> None:
        """Answer everything that waits as cancelled, the request in hand first. Call after `run` was cancelled."""
        if self._current is not None:
            self._current.cancel()
            await asyncio.wait({self._current})
            if self._current.cancelled() and self._current_id is not None:  # before its first step
                self._answer(_cancelled(self._current_id))
        beside = set(self._beside)
        for task in beside:
            task.cancel()
        if beside:
            await asyncio.wait(beside)
        for waiting in self._queue.empty():
            if waiting.req_id is not None:
                self._answer(_cancelled(waiting.req_id))

    def _ended_beside(self, task: asyncio.Task[None]) -> None:
        req_id = self._beside.pop(task)
        if task.cancelled():  # before its first step
            self._answer(_cancelled(req_id))

    async def _work_on(self, waiting: Waiting) -> None:
        req_id, started, kind = waiting.req_id, self._clock.monotonic(), "unparsed"
        try:
            request = await self._parse(waiting) if isinstance(waiting, UnparsedRequest) else waiting
            if request is None:
                return
            req_id, kind = request.req_id, request.type
            if waiting is not request:
                self._current_id = req_id
            answer = await self._reply(request)
        except DomainError as error:
            answer = None if req_id is None else request_error(req_id, error)
        except asyncio.CancelledError:
            # Cancelled by `cancel` or `close`, which both expect the answer to be given here.
            answer = None if req_id is None else _cancelled(req_id)
        if answer is not None:
            self._answer(answer)
            self._metrics.request_answered(kind, "ok" if answer.success else "error", self._clock.monotonic() - started)

    async def _reply(self, request: AnyRequest) -> Answer:
        """The answer to a request. An error is told first, and ends the connection last, if it must."""
        try:
            return ExtendedRpcSuccess(req_id=request.req_id, data=await self._within_limit(request))
        except DomainError as error:
            refusal = error
        except Exception as error:  # whatever happens, the client gets its one answer; the log has the rest
            logger.exception("A request failed", kind=request.type, exc_info=error)
            refusal = DomainError("The server made a mistake; its log has the details.", ErrorCode.INTERNAL)
        logger.info("Request refused", kind=request.type, code=refusal.code.value, reason=refusal.message)
        self._refused(request, refusal)
        if isinstance(request, InitRequest):
            return init_error(request.req_id, refusal)
        return request_error(request.req_id, refusal)

    async def _within_limit(self, request: AnyRequest) -> ExtendedResponseData:
        asked_s = request.timeout_s if isinstance(request, TimedRequest) else None
        limit_s = self._limit_s(request) if asked_s is None else asked_s
        try:
            async with asyncio.timeout(limit_s):
                return await self._serve(request)
        except TimeoutError as error:
            raise DomainError(f"This took longer than {limit_s:g} s.", ErrorCode.REQUEST_TIMEOUT) from error


def _cancelled(req_id: str) -> RpcError:
    return request_error(req_id, DomainError("The request was cancelled.", ErrorCode.CANCELLED))
