"""What others want done with a world between two passes, by the one task that may touch it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from error_types import DomainError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Errand:
    run: Callable[[], Awaitable[None]]
    give_up: Callable[[], None]


class ErrandQueue:
    """Filled by requests, emptied by the loop; `on_arrival` wakes it."""

    def __init__(self, on_arrival: Callable[[], None]) -> None:
        self._errands: deque[_Errand] = deque()
        self._on_arrival = on_arrival
        self._closed = False

    def __bool__(self) -> bool:
        return bool(self._errands)

    async def ask(self, action: Callable[[], Awaitable[Result]]) -> Result:
        """Have `action` done; its result.

        Raises:
            DomainError: what `action` raised; the engine failed while doing it; the loop ended before it.
        """
        outcome: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

        def fail(error: DomainError) -> None:
            if not outcome.done():
                outcome.set_exception(error)

        def give_up() -> None:
            fail(DomainError("The session ended before this was done.", ErrorCode.CANCELLED))

        async def run() -> None:
            if outcome.cancelled():  # whoever asked has given up, and is told that nothing happened
                return
            try:
                result = await action()
            except DomainError as error:
                fail(error)
            except Exception:  # an engine may raise anything: whoever asked is told, the loop recovers
                fail(DomainError("The engine failed while doing this.", ErrorCode.ENGINE_FAILED))
                raise
            else:
                if not outcome.done():
                    outcome.set_result(result)

        if self._closed:
            give_up()
        else:
            self._errands.append(_Errand(run, give_up))
            self._on_arrival()
        return await outcome

    async def run_next(self) -> None:
        """Do the oldest one. Raises what the engine raised; whoever asked has been told by then."""
        await self._errands.popleft().run()

    def close(self) -> None:
        """Give up what waits and what comes: the loop has ended."""
        self._closed = True
        while self._errands:
            self._errands.popleft().give_up()
