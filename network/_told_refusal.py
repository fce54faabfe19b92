"""A refusal that a desktop client shows: on its socket, as an answer to the handshake never reaches the person.

The peer has shown no token. So nothing that it sends is read, it has no session, and it is here for seconds.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, cast

from wire_protocol import ErrorMessage, encode_message

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from network._access_policy import Refused

# The key in the ASGI scope's `extensions` of a call after which whatever the peer sends is discarded.
STOP_LISTENING: Final = "terrarium.stop_listening"


class StopListening(Protocol):
    def __call__(self) -> None: ...


async def tell_refusal(refused: Refused, linger_s: float, scope: Scope, receive: Receive, send: Send) -> None:
    """Accept a handshake, say why the client may not play, and close after `linger_s`.

    The client forgets an error that is followed at once by the close.
    """
    await receive()
    stop_listening = cast("StopListening | None", scope.get("extensions", {}).get(STOP_LISTENING))
    if stop_listening is not None:
        stop_listening()
    await send({"type": "websocket.accept", "headers": []})
    error = ErrorMessage(message=refused.message, code=refused.code)
    await send({"type": "websocket.send", "text": encode_message(error)})
    if not await _has_left(receive, linger_s):
        await send({"type": "websocket.close", "code": 1000, "reason": refused.code.value})


async def _has_left(receive: Receive, linger_s: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(linger_s):
            while (await receive())["type"] != "websocket.disconnect":
                pass
            return True
    return False
