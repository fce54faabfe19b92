"""What others want done with a world between two steps, by the one task that may touch it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

from error_types import DomainError, ErrorCode
from handlers.threads import outlast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Result = TypeVar("Result")


class Call(Generic[Result]):
    """An action for the actor, and what came of it."""

    def __init__(self, action: Callable[[], Awaitable[Result]]) -> None:
        self._action = action
        self._has_begun = False
        self._is_unwanted = False
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._outcome: Result | DomainError | None = None

    async def settled(self) -> bool:
        """Wait until there is an outcome; whether the caller was cancelled meanwhile.

        Raises:
            CancelledError: the caller was cancelled before the action began, so that it never will.
        """
        try:
            await asyncio.wait({self._done})
        except asyncio.CancelledError:
            if not self._has_begun:
                self._is_unwanted = True
                raise
            await outlast(self._done)
            return True
        return False

    def result(self) -> Result:
        """To be asked for once. Raises: DomainError, the action raised it, the engine failed, or it was given up."""
        outcome, self._outcome = self._outcome, None
        if not isinstance(outcome, DomainError):
            return cast("Result", outcome)
        try:
            raise outcome
        finally:
            del outcome  # an error that a frame of its own traceback holds waits for the garbage collector

    async def run(self) -> None:
        """Raises what the engine raised; whoever asked has been told by then."""
        if self._is_unwanted or self._done.done():
            return
        self._has_begun = True
        try:
            self._settle(await self._action())
        except DomainError as error:
            self._settle(error)
        except Exception:  # an engine may raise anything: whoever asked is told, and the actor recovers
            self._settle(DomainError("The engine failed while doing this.", ErrorCode.ENGINE_FAILED))
            raise

    def give_up(self) -> None:
        if not self._done.done():
            self._settle(DomainError("The session ended before this was done.", ErrorCode.CANCELLED))

    def _settle(self, outcome: Result | DomainError) -> None:
        self._outcome = outcome
        self._done.set_result(None)


class PendingCall(Protocol):
    """A call of whatever result, as the actor sees it."""

    async def run(self) -> None: ...

    def give_up(self) -> None: ...


class CallQueue:
    """Filled by commands, emptied by the actor; `on_arrival` wakes it."""

    def __init__(self, on_arrival: Callable[[], None]) -> None:
        self._calls: deque[PendingCall] = deque()
        self._on_arrival = on_arrival
        self._is_closed = False

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, call: Call[Result]) -> Call[Result]:
        if self._is_closed:
            call.give_up()
        else:
            self._calls.append(call)
            self._on_arrival()
        return call

    async def run_next(self) -> None:
        await self._calls.popleft().run()

    def close(self) -> None:
        """Give up the calls that wait, and those to come: the actor has ended."""
        self._is_closed = True
        while self._calls:
            self._calls.popleft().give_up()


class EngineOffload:
    """The time during which a world's engine is not in memory. Whoever asked for it ends it.

    `replacement`, if there is one, gives the actor another world instead of a way back.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._is_given_up = False
        self.is_over = False
        self.replacement: PendingCall | None = None

    async def replace_world(self, switch: Callable[[], Awaitable[None]]) -> None:
        """Have `switch` put another world in play. Cancelled before that begins, the world goes back to its engine."""
        call = self.replacement = Call(switch)
        if self._is_given_up:
            call.give_up()
        self._wake()
        try:
            await call.settled()
        except asyncio.CancelledError:
            self.replacement = None
            raise
        call.result()

    def end(self) -> None:
        self.is_over = True
        self._wake()

    def give_up(self) -> None:
        """The session ends."""
        self._is_given_up = True
        if self.replacement is not None:
            self.replacement.give_up()
