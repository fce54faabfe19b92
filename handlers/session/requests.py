"""Requests that wait, in order, and what runs them: each is answered exactly once."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.session.commands import COMMANDS, Command, CommandResult, SessionCommands
from handlers.session.endings import request_cancelled, request_error
from handlers.session.outbox import FramesAnswer
from wire_protocol import (
    AnyClientMessage,
    AnyNotification,
    AnyRequest,
    ExtendedRpcSuccess,
    RpcError,
    TimedRequest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from handlers.session.stats import SessionStats
    from runtime_config.authoring_config import AuthoringConfig
    from services.clock.clock import Clock
    from services.metrics.metrics import Metrics

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UnparsedRequest:
    """A message too large to be parsed on the event loop; `req_id` was read off its text."""

    req_id: str | None
    text: str


Waiting: TypeAlias = AnyRequest | UnparsedRequest
Answer: TypeAlias = ExtendedRpcSuccess | FramesAnswer | RpcError


class RequestQueue:
    """Bounded in number and in bytes. Touched by the event loop's thread alone."""

    def __init__(self, max_requests: int, max_bytes: int) -> None:
        self._entries: deque[tuple[Waiting, int]] = deque()
        self._bytes = 0
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._filled = asyncio.Event()

    def offer(self, waiting: Waiting, size: int) -> bool:
        """Whether it was taken. One request is always taken, however large."""
        full = len(self._entries) >= self._max_requests or self._bytes + size > self._max_bytes
        if self._entries and full:
            return False
        self._entries.append((waiting, size))
        self._bytes += size
        self._filled.set()
        return True

    async def next(self) -> Waiting:
        while not self._entries:
            self._filled.clear()
            await self._filled.wait()
        return self._pop()

    def remove(self, req_id: str) -> bool:
        """Whether a request of that id was still waiting."""
        found = next((entry for entry in self._entries if entry[0].req_id == req_id), None)
        if found is None:
            return False
        self._entries.remove(found)
        self._bytes -= found[1]
        return True

    def empty(self) -> list[Waiting]:
        """Take out everything that waits."""
        return [self._pop() for _ in range(len(self._entries))]

    def _pop(self) -> Waiting:
        waiting, size = self._entries.popleft()
        self._bytes -= size
        return waiting


class RequestRunner:
    """Runs one request after the other, and beside them those whose command says so.

    `answer` is called exactly once for every request with an id that came in, whatever happens to it. `permitted` gives
    what may be served of a request, or raises DomainError.
    """

    def __init__(
        self,
        commands: SessionCommands,
        queue: RequestQueue,
        *,
        parse: Callable[[str], AnyClientMessage],
        notify: Callable[[AnyNotification], None],
        answer: Callable[[Answer], None],
        config: AuthoringConfig,
        work_threads: Executor,
        clock: Clock,
        metrics: Metrics,
        stats: SessionStats,
        permitted: Callable[[AnyRequest], AnyRequest],
        registry: Mapping[str, Command[Any]] = COMMANDS,
    ) -> None:
        self._commands = commands
        self._registry = registry
        self._queue = queue
        self._parse = parse
        self._notify = notify
        self._answer = answer
        self._config = config
        self._work_threads = work_threads
        self._clock = clock
        self._metrics = metrics
        self._stats = stats
        self._permitted = permitted
        self._beside: dict[asyncio.Task[None], str] = {}
        self._current: asyncio.Task[None] | None = None
        self._current_id: str | None = None

    async def run(self) -> None:
        while True:
            waiting = await self._queue.next()
            if not isinstance(waiting, UnparsedRequest) and self._registry[waiting.type].is_beside:
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

    async def perform(self, request: AnyRequest) -> CommandResult:
        """Do what a request asks for, in the time that it allows. REST calls this directly.

        Raises:
            DomainError: the request is refused, or took too long.
        """
        command = self._registry[request.type]
        limit_s = request.timeout_s if isinstance(request, TimedRequest) else None
        if limit_s is None and command.limit_s is not None:
            limit_s = command.limit_s(self._config)
        try:
            async with asyncio.timeout(limit_s):
                return await command.run(self._commands, request)
        except TimeoutError as error:
            raise DomainError(f"This took longer than {limit_s:g} s.", ErrorCode.REQUEST_TIMEOUT) from error

    def cancel(self, req_id: str) -> None:
        """Give up a request that was not answered yet; it is answered as cancelled."""
        beside = next((task for task, known in self._beside.items() if known == req_id), None)
        if beside is not None:
            beside.cancel()
        elif self._current is not None and self._current_id == req_id:
            self._current.cancel()
        elif self._queue.remove(req_id):
            self._answer(request_cancelled(req_id))

    async def close(self) -> None:
        """Answer everything that waits as cancelled, the request in hand first. Call after `run` was cancelled."""
        if self._current is not None:
            self._current.cancel()
            await asyncio.wait({self._current})
            if self._current.cancelled() and self._current_id is not None:  # before its first step
                self._answer(request_cancelled(self._current_id))
            self._current = None
        beside = set(self._beside)
        for task in beside:
            task.cancel()
        if beside:
            await asyncio.wait(beside)
        for waiting in self._queue.empty():
            if waiting.req_id is not None:
                self._answer(request_cancelled(waiting.req_id))

    def _ended_beside(self, task: asyncio.Task[None]) -> None:
        req_id = self._beside.pop(task)
        if task.cancelled():  # before its first step
            self._answer(request_cancelled(req_id))

    async def _work_on(self, waiting: Waiting) -> None:
        req_id, started, kind = waiting.req_id, self._clock.monotonic(), "unparsed"
        self._stats.request_began(started)
        try:
            request = await self._read(waiting) if isinstance(waiting, UnparsedRequest) else waiting
            if request is None:
                return
            req_id, kind = request.req_id, request.type
            if waiting is not request:
                self._current_id = req_id
            answer = await self._reply(request)
        except DomainError as error:
            answer = None if req_id is None else request_error(req_id, error)
        except asyncio.CancelledError:
            # By `cancel` or `close`, which both expect the answer to be given here.
            answer = None if req_id is None else request_cancelled(req_id)
        finally:
            self._stats.request_ended(self._clock.monotonic())
        if answer is not None:
            self._answer(answer)
            outcome = "error" if isinstance(answer, RpcError) else "ok"
            self._metrics.request_answered(kind, outcome, self._clock.monotonic() - started)

    async def _read(self, waiting: UnparsedRequest) -> AnyRequest | None:
        """The request; None for a notification, which has been dealt with. Raises: DomainError."""
        message = await in_thread(self._work_threads, lambda: self._parse(waiting.text))
        if isinstance(message, AnyRequest):
            return message
        self._notify(message)
        return None

    async def _reply(self, request: AnyRequest) -> Answer:
        try:
            result = await self.perform(self._permitted(request))
            return (
                result if isinstance(result, FramesAnswer) else ExtendedRpcSuccess(req_id=request.req_id, data=result)
            )
        except DomainError as error:
            return self._refuse(request, error)
        except Exception as error:  # whatever happens, the client gets its one answer; the log has the rest
            logger.exception("A request failed", kind=request.type, exc_info=error)
            message = "The server made a mistake; its log has the details."
            return self._refuse(request, DomainError(message, ErrorCode.INTERNAL))

    def _refuse(self, request: AnyRequest, error: DomainError) -> RpcError:
        """The answer. What else follows is done before it, such as a warning, or the end of the connection."""
        logger.info("Request refused", kind=request.type, code=error.code.value, reason=error.message)
        self._commands.refused(request, error)
        return request_error(request.req_id, error, of_init=request.type == "init")
