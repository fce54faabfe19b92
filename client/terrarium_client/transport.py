"""How messages reach the server: over a WebSocket, or whatever else carries text and bytes in order."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_socket
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from terrarium_client.errors import ConnectionLostError
from terrarium_client.protocol import PROTOCOL_VERSION, MovedMessage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    OpenTransport: TypeAlias = Callable[[], Awaitable["Transport"]]

_OPEN_TIMEOUT_S = 20.0
_FOLLOW_TIMEOUT_S = 4.0  # to a server that one is sent to: its ticket lasts 20 s, and a firewall answers nothing


class Transport(Protocol):
    async def send(self, text: str) -> None:
        """Raises: ConnectionLostError."""
        ...

    async def receive(self) -> str | bytes:
        """The next message. Raises: ConnectionLostError, none will come any more."""
        ...

    async def close(self) -> None: ...


class SocketTransport:
    """A `Transport` over a WebSocket. `follow` opens the one to which the server sends its client, if it does.

    A fleet does that at first: what the client has sent by then is sent again at the new address.
    """

    def __init__(
        self, socket: ClientConnection, follow: Callable[[MovedMessage], Awaitable[ClientConnection]] | None = None
    ) -> None:
        self._socket = socket
        self._follow = follow
        self._sent: list[str] | None = None if follow is None else []  # None: the server serves its client here
        self._sending = asyncio.Lock()

    async def send(self, text: str) -> None:
        async with self._sending:
            if self._sent is not None:
                self._sent.append(text)
            try:
                await self._socket.send(text)
            except ConnectionClosed as error:
                if self._sent is None:
                    raise _lost(error) from error  # else `receive` finds where it is to be sent, or that it is lost

    async def receive(self) -> str | bytes:
        try:
            while True:
                message = await self._socket.recv()
                moved = None if self._sent is None else self._looked_at(message)
                if moved is None or self._follow is None:
                    return message
                await self._move(self._follow(moved))
        except ConnectionClosed as error:
            raise _lost(error) from error

    async def close(self) -> None:
        await self._socket.close()

    def _looked_at(self, message: str | bytes) -> MovedMessage | None:
        """Where the client is sent. Whatever else comes but its number in line says that it is served here."""
        told = _told(message)
        if told.get("type") == "moved":
            return MovedMessage.model_validate(told)
        if told.get("type") != "progress":
            self._sent = None
        return None

    async def _move(self, opening: Awaitable[ClientConnection]) -> None:
        async with self._sending:
            await self._socket.close()
            self._socket = await opening
            sent, self._sent = self._sent or [], None
            for text in sent:
                await self._socket.send(text)


def _told(message: str | bytes) -> dict[str, Any]:
    try:
        told: object = None if isinstance(message, bytes) else json.loads(message)
    except ValueError:
        return {}
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}


def session_address(url: str, *, is_stepped: bool) -> str:
    """The address of a session's WebSocket on the server at `url`, such as http://127.0.0.1:7987.

    Raises:
        ValueError: `url` is no address of a server.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if parts.scheme not in schemes or not parts.netloc:
        raise ValueError(f"“{url}” is no address of a Terrarium server. It looks like http://127.0.0.1:7987.")
    scheme = schemes[parts.scheme]
    query = {"protocol_version": PROTOCOL_VERSION, "client": "terrarium", **({"mode": "stepped"} if is_stepped else {})}
    path = parts.path.rstrip("/").removesuffix("/ws")
    return urlunsplit((scheme, parts.netloc, f"{path}/ws", urlencode(query), ""))


async def open_socket(address: str, token: str | None) -> SocketTransport:
    """A connection to a server, or by the address of a fleet to one of its servers.

    Raises:
        ConnectionLostError: there is no server, or it does not let the client in.
    """
    parts = urlsplit(address)

    async def follow(moved: MovedMessage) -> ClientConnection:
        to = urlsplit(moved.address)
        ticket = {} if moved.ticket is None else {"ticket": moved.ticket}
        query = f"{parts.query}&{urlencode(ticket)}" if ticket else parts.query
        try:
            direct = urlunsplit((to.scheme, to.netloc, "/ws", query, ""))
            return await _connected(direct, None, within_s=_FOLLOW_TIMEOUT_S)
        except ConnectionLostError:  # a network may let nobody through but to the address of the fleet
            return await _connected(urlunsplit(parts._replace(query=query)), token)

    return SocketTransport(await _connected(f"{address}&follows={parts.scheme}", token), follow)


async def _connected(address: str, token: str | None, *, within_s: float = _OPEN_TIMEOUT_S) -> ClientConnection:
    """Raises: ConnectionLostError."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        return await connect_socket(
            address,
            additional_headers=headers,
            compression=None,  # frames are compressed already, or not worth it
            max_size=None,
            max_queue=None,
            open_timeout=within_s,
        )
    except InvalidStatus as error:
        raise ConnectionLostError(_sentence(error)) from error
    except (OSError, TimeoutError, WebSocketException) as error:
        raise ConnectionLostError(f"No server answers at {address.partition('?')[0]}: {error}") from error


def _sentence(error: InvalidStatus) -> str:
    status = error.response.status_code
    if status in (401, 403):
        return "The server does not let this client in. Give connect() the server's token, or one of your account."
    return f"The server answered {status} instead of opening a session."


def _lost(error: ConnectionClosed) -> ConnectionLostError:
    reason = "" if error.rcvd is None or not error.rcvd.reason else f" It said: {error.rcvd.reason}."
    return ConnectionLostError(f"The connection to the server has ended.{reason}")
