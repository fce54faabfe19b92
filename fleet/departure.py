"""The end of one server of a fleet: it gives no more places, waits for those who play, and tells who is left.

Ray tells a replica late that it is to go: the lifespan of its application ends after the last request of the proxy's,
and a session is such a request. But from the beginning Ray no longer asks it for its load. So a server that is not
asked any more looks into Ray's list of what is going.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from fastapi import FastAPI

    from app_handler import AppHandler

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

ASKED_EVERY_S: Final = 1.0  # for its load
_SILENT_S: Final = 3.0  # after which a server looks whether it is to go
# Ray asks again after 30 s where an answer was lost. Before that, a server that nobody plays on may have been meant to
# stay, while another one is going.
_SURELY_SILENT_S: Final = 45.0
_PATIENCE_S: Final = 5.0  # with Ray's answer
_NOTICED_S: Final = 15.0  # that it takes at most to notice that a server is to go


class Going(Enum):
    """What Ray says of the servers of a fleet."""

    NONE = auto()
    SOME = auto()
    ALL = auto()  # the fleet ends: there is nowhere else to play


def time_to_end_s(drain_s: float) -> float:
    """What Ray is to give a server that is to go, whose players may go on for `drain_s` from when that is noticed."""
    return drain_s + _NOTICED_S


class Departure:
    """`going` asks Ray; it blocks, and raises whatever Ray raises. Players may go on for `drain_s`."""

    def __init__(
        self, handler: AppHandler, going: Callable[[], Going], drain_s: float, *, look_every_s: float = ASKED_EVERY_S
    ) -> None:
        self._handler = handler
        self._clock = handler.services.clock
        self._going = going
        self._drain_s = drain_s
        self._look_every_s = look_every_s
        self._asked_at: float | None = None
        self._noticed_at: float | None = None

    def asked(self) -> None:
        """Ray has asked for the load, as it does while the server is to stay. On any thread."""
        self._asked_at = self._clock.monotonic()

    def see_to(self, app: FastAPI) -> None:
        """From the start of `app` to its end."""
        inner = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(application: FastAPI) -> AsyncGenerator[Any]:
            async with inner(application) as state:
                watching = asyncio.create_task(self._watch())
                try:
                    yield state
                finally:
                    watching.cancel()
                    await asyncio.wait({watching})
                    await self._end()

        app.router.lifespan_context = lifespan

    async def _watch(self) -> None:
        """Notice that this server is to go, and end its sessions when their time is over, if Ray has not by then."""
        while True:
            await asyncio.sleep(self._look_every_s)
            silent_s = 0.0 if self._asked_at is None else self._clock.monotonic() - self._asked_at
            if silent_s < _SILENT_S:
                await self._stay()
                continue
            match await self._said():
                case Going.NONE:
                    await self._stay()
                case Going.SOME:
                    await self._prepare()
                    if self._left_s() <= 0 or (silent_s >= _SURELY_SILENT_S and self._is_empty()):
                        break
                case Going.ALL:
                    break
                case None:
                    pass
        await self._farewell()

    async def _end(self) -> None:
        """Ray has ended the lifespan, so that nobody plays through its proxy any more."""
        if await self._said() is not Going.ALL:
            await self._prepare()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._left_s()):
                    await self._handler.places.all_have_come()
                    await self._handler.play.emptied()
        await self._farewell()

    async def _said(self) -> Going | None:
        """None: Ray could not be asked."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await asyncio.to_thread(self._going)
        except Exception as error:  # noqa: BLE001 - Ray may raise anything, and nothing is known then
            logger.info("Ray does not say whether this server is to go", reason=str(error))
            return None

    async def _stay(self) -> None:
        if self._noticed_at is not None:
            self._noticed_at = None
            logger.info("This server is to stay")
            await self._handler.take_on(is_wanted=True)

    async def _prepare(self) -> None:
        if self._noticed_at is None:
            self._noticed_at = self._clock.monotonic()
            logger.info("This server is to go, and waits for its players", seconds=self._drain_s)
            await self._handler.take_on(is_wanted=False)

    async def _farewell(self) -> None:
        """Whoever is left comes back by the address of the fleet, and is sent to another server."""
        self._handler.peers.receive_at(None)
        await self._handler.take_on(is_wanted=False)
        await self._handler.drain()

    def _left_s(self) -> float:
        began = self._clock.monotonic() if self._noticed_at is None else self._noticed_at
        return max(0.0, began + self._drain_s - self._clock.monotonic())

    def _is_empty(self) -> bool:
        return not self._handler.play.is_played and not self._handler.places.are_awaited
