"""Accepts connections: asks the door, and waits where the process has no descriptor left."""

from __future__ import annotations

import asyncio
import select
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from network._door import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from network._door import Door

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0
_SHED_AT_ONCE: Final = 16
_REFUSED_IN_ONE_TURN: Final = 16  # connections, before other tasks of the loop get a turn
_BODY: Final = b'{"code":"serverBusy","message":"There are too many connections to this server. Try again soon."}'
_REFUSAL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nRetry-After: 10\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


class Acceptor:
    """Serves `listener` with the protocols that `make_protocol` makes, from `start` to `close`.

    asyncio's own server logs hundreds of lines and starts as many timers each time it finds no descriptor free, and
    has no place to refuse a connection before a protocol and a transport exist for it.
    """

    def __init__(self, listener: socket.socket, door: Door, make_protocol: Callable[[Place], asyncio.Protocol]) -> None:
        self._listener = listener
        self._door = door
        self._make_protocol = make_protocol
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._accept_for_ever(), name="acceptor")

    def close(self) -> None:
        """Accept nothing more. The listener stays open."""
        if self._task is not None:
            self._task.cancel()

    async def _accept_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        pause_s, refused = 0.0, 0
        while True:
            try:
                connection, address = await loop.sock_accept(self._listener)
            except ConnectionAbortedError:  # the peer was gone before it came in
                continue
            except OSError as error:
                pause_s = await self._wait_for_resources(error, pause_s)
                continue
            if pause_s:
                logger.info("Connections are accepted again")
                pause_s = 0.0
            admitted = self._door.admit(str(address[0]))
            if isinstance(admitted, Place):
                await self._let_in(connection, admitted)
            else:
                _refuse(connection)
                refused += 1
                if refused % _REFUSED_IN_ONE_TURN == 0:
                    await asyncio.sleep(0)

    async def _let_in(self, connection: socket.socket, place: Place) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: self._make_protocol(place), connection)
        except OSError:
            place.leave()
            connection.close()
        except BaseException:
            place.leave()
            raise

    async def _wait_for_resources(self, error: OSError, last_pause_s: float) -> float:
        """Have unused connections end if somebody waits, and wait, longer each time. Returns how long it waited.

        Mostly no descriptor is free, which Linux says even if nobody wants to come in. Whatever else fails is not the
        fault of one peer either, so it is treated alike.
        """
        if not _has_newcomer(self._listener):
            await asyncio.sleep(_FIRST_PAUSE_S)
            return last_pause_s
        shed = self._door.shed(_SHED_AT_ONCE)
        if not last_pause_s:
            logger.error("No connection can be accepted for now", reason=error.strerror, ended_unused=shed)
        pause_s = min(_LONGEST_PAUSE_S, last_pause_s * 2) if last_pause_s else _FIRST_PAUSE_S
        await asyncio.sleep(pause_s)
        return pause_s


def _has_newcomer(listener: socket.socket) -> bool:
    if sys.platform == "win32":
        return True
    waiting = select.poll()  # unlike a selector, it needs no descriptor of its own
    waiting.register(listener, select.POLLIN)
    return bool(waiting.poll(0))


def _refuse(connection: socket.socket) -> None:
    """Say why, as far as that is possible without waiting for a stranger."""
    with connection, suppress(OSError):
        connection.setblocking(False)  # noqa: FBT003 -- its only parameter
        connection.send(_REFUSAL)
        connection.shutdown(socket.SHUT_WR)
