"""The socket of somebody who has connected to the address of a fleet: it lasts until they are sent to their server.

What they sent here they send again there. So only their first message is looked at, for what it says of where they
belong: the model that it asks for, or the world that it comes back to.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import structlog
from starlette.websockets import WebSocketDisconnect

from error_types import DomainError
from handlers.base import in_thread
from handlers.left_worlds import server_of
from handlers.places.places_handler import InLine, SentTo
from handlers.session import endings
from wire_protocol import ErrorMessage, MovedMessage, ProgressMessage, ProgressStep, encode_message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from starlette.websockets import WebSocket

    from handlers.places.places_handler import PlacesHandler
    from runtime_config.current import Current
    from runtime_config.runtime_config import RuntimeConfig
    from sign_in import Caller

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_LARGE: Final = 64 * 1024  # characters; larger messages are parsed on a thread
MOVED: Final = "moved"  # the reason of the close


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a first message tells of where its sender belongs."""

    req_id: str | None = None
    model: str | None = None
    back_to: str | None = None


class FleetDoor:
    def __init__(self, places: PlacesHandler, config: Current[RuntimeConfig], threads: Executor) -> None:
        self._places = places
        self._config = config
        self._threads = threads
        self._inside = 0
        self._is_closing = asyncio.Event()
        self._one_left = asyncio.Condition()

    async def serve(self, socket: WebSocket, caller: Caller) -> None:
        """Keep an accepted socket until its client is sent to a server, is told why not, or leaves."""
        self._inside += 1
        try:
            ending = await self._until_sent(socket, caller)
            with suppress(WebSocketDisconnect, RuntimeError):  # it may be gone already
                if isinstance(ending, ErrorMessage):
                    await socket.send_text(encode_message(ending))
                    await socket.close(1000, "" if ending.code is None else ending.code.value)
                elif ending is not None:
                    await move(socket, ending)
        finally:
            self._inside -= 1
            async with self._one_left:
                self._one_left.notify_all()

    async def drain(self) -> None:
        """Tell all who wait that the server stops, and wait until they have been told."""
        self._is_closing.set()
        async with self._one_left:
            await self._one_left.wait_for(lambda: self._inside == 0)
        await self._places.close()

    async def _until_sent(self, socket: WebSocket, caller: Caller) -> SentTo | ErrorMessage | None:
        """Where they go, or why they do not; None: they have left."""
        limit_s = self._config.now.limits.init_timeout_s
        heard = asyncio.Queue[str](1)
        reading = asyncio.create_task(_read(socket, heard))
        closing = asyncio.create_task(self._is_closing.wait())
        sending = asyncio.create_task(self._send_on(socket, caller, heard, limit_s))
        tasks = {reading, closing, sending}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return None
            return await sending if sending.done() else endings.shutting_down().error
        except DomainError as error:
            return ErrorMessage(message=error.message, code=error.code)
        except TimeoutError:
            return endings.init_overdue(limit_s).error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _send_on(
        self, socket: WebSocket, caller: Caller, heard: asyncio.Queue[str], limit_s: float
    ) -> SentTo | None:
        async with asyncio.timeout(limit_s):
            first = await heard.get()
        wish = await in_thread(self._threads, lambda: _wish_of(first)) if len(first) > _LARGE else _wish_of(first)
        async with aclosing(self._places.place(caller, model=wish.model, back_to=wish.back_to)) as steps:
            async for step in steps:
                match step:
                    case SentTo():
                        return step
                    case InLine(number) if wish.req_id is not None:
                        waits = ProgressMessage(req_id=wish.req_id, step=ProgressStep.WAITING_FOR_PLACE, in_line=number)
                        with suppress(WebSocketDisconnect, RuntimeError):  # the reader sees that it is gone
                            await socket.send_text(encode_message(waits))
                    case InLine():
                        pass
        return None


async def move(socket: WebSocket, to: SentTo) -> None:
    """Tell a client where it is served, and end its connection here."""
    with suppress(WebSocketDisconnect, RuntimeError):  # it may be gone already
        await socket.send_text(encode_message(MovedMessage(address=to.address, ticket=to.ticket)))
        await socket.close(1000, MOVED)


async def _read(socket: WebSocket, heard: asyncio.Queue[str]) -> None:
    """Read to the end of the connection, and hand over the first message."""
    while (event := await socket.receive())["type"] != "websocket.disconnect":
        text = event.get("text")
        if text is not None and not heard.full():
            heard.put_nowait(text)


def _wish_of(text: str) -> _Wish:
    """What is malformed tells nothing: the server that they are sent to says so."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return _Wish()
    if not isinstance(message, dict):
        return _Wish()
    fields = cast("Mapping[str, object]", message)
    req_id, model, token = (fields.get(name) for name in ("req_id", "model", "resume_token"))
    return _Wish(
        req_id if isinstance(req_id, str) else None,
        model if isinstance(model, str) else None,
        server_of(token) if isinstance(token, str) else None,
    )
