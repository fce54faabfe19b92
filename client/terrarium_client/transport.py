"""How messages reach the server: over a WebSocket, or whatever else carries text and bytes in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_socket
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from terrarium_client.errors import ConnectionLostError
from terrarium_client.protocol import PROTOCOL_VERSION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    OpenTransport: TypeAlias = Callable[[], Awaitable["Transport"]]

_OPEN_TIMEOUT_S = 20.0


class Transport(Protocol):
    async def send(self, text: str) -> None:
        """Raises: ConnectionLostError."""
        ...

    async def receive(self) -> str | bytes:
        """The next message. Raises: ConnectionLostError, none will come any more."""
        ...

    async def close(self) -> None: ...


class SocketTransport:
    """A `Transport` over a WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            raise _lost(error) from error

    async def receive(self) -> str | bytes:
        try:
            return await self._socket.recv()
        except ConnectionClosed as error:
            raise _lost(error) from error

    async def close(self) -> None:
        await self._socket.close()


def session_address(url: str, *, is_stepped: bool) -> str:
    """The address of a session's WebSocket on the server at `url`, such as http://127.0.0.1:7987.

    Raises:
        ValueError: `url` is no address of a server.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if parts.scheme not in schemes or not parts.netloc:
        raise ValueError(f"“{url}” is no address of a Terrarium server. It looks like http://127.0.0.1:7987.")
    query = {"protocol_version": PROTOCOL_VERSION, "client": "terrarium", **({"mode": "stepped"} if is_stepped else {})}
    path = parts.path.rstrip("/").removesuffix("/ws")
    return urlunsplit((schemes[parts.scheme], parts.netloc, f"{path}/ws", urlencode(query), ""))


async def open_socket(address: str, token: str | None) -> SocketTransport:
    """Raises: ConnectionLostError, there is no server, or it does not let the client in."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        socket = await connect_socket(
            address,
            additional_headers=headers,
            compression=None,  # frames are compressed already, or not worth it
            max_size=None,
            max_queue=None,
            open_timeout=_OPEN_TIMEOUT_S,
        )
    except InvalidStatus as error:
        raise ConnectionLostError(_sentence(error)) from error
    except (OSError, TimeoutError, WebSocketException) as error:
        raise ConnectionLostError(f"No server answers at {address.partition('?')[0]}: {error}") from error
    return SocketTransport(socket)


def _sentence(error: InvalidStatus) -> str:
    status = error.response.status_code
    if status in (401, 403):
        return "The server does not let this client in. Give connect() the server's token, or one of your account."
    return f"The server answered {status} instead of opening a session."


def _lost(error: ConnectionClosed) -> ConnectionLostError:
    reason = "" if error.rcvd is None or not error.rcvd.reason else f" It said: {error.rcvd.reason}."
    return ConnectionLostError(f"The connection to the server has ended.{reason}")
