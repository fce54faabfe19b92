"""Whoever comes with a link to watch a session: what it opens, and that it opens nothing else."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from starlette.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect

from api_types import ErrorResponse, WatchedSession
from error_types import DomainError, ErrorCode, RetryLaterError
from handlers.places.door import move
from services.read_receipts.read_receipts import SCOPE_EXTENSION
from sign_in import CALLER_SCOPE, DIRECT_SCOPE
from wire_protocol import ErrorMessage, encode_message

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from handlers.accounts.throttle import SignInThrottle
    from handlers.places.places_handler import PlacesHandler
    from handlers.play_handler import PlayHandler
    from handlers.session.encoded_passes import Codec
    from handlers.session.session import Session
    from handlers.share_links import ShareLinks
    from runtime_config.current import Current
    from runtime_config.sharing_config import SharingConfig
    from sign_in import Caller

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class WatchHandler:
    def __init__(
        self,
        play: PlayHandler,
        links: ShareLinks,
        throttle: SignInThrottle,
        config: Current[SharingConfig],
        *,
        places: PlacesHandler,
    ) -> None:
        self._places = places
        self._play = play
        self._links = links
        self._throttle = throttle
        self._config = config
        self._watching = 0
        self._one_left = asyncio.Condition()

    def look(self, link: str, caller: Caller) -> WatchedSession:
        """What a link opens.

        Raises:
            DomainError: nothing: it was made up, withdrawn or is over, as is its session. Too many were tried.
        """
        elsewhere = self._places.shared_elsewhere(link)
        if elsewhere is not None:
            return elsewhere
        sharing = self._opened(link, caller).sharing
        return WatchedSession(state=sharing.state, watchers=sharing.watchers)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection to its end. Where the link opens nothing, the handshake is answered like `look`."""
        caller: Caller = socket.scope[CALLER_SCOPE]
        follows, direct = socket.query_params.get("follows"), socket.scope.get(DIRECT_SCOPE)
        server = None
        if self._places.is_door_for(follows, direct):
            server = self._places.server_of_link(socket.query_params.get("link", ""))
        if server is not None:
            await socket.accept()
            await move(socket, server)
            return
        try:
            session = self._opened(socket.query_params.get("link", ""), caller)
        except DomainError as error:
            await _deny(socket, error)
            return
        await socket.accept()
        with structlog.contextvars.bound_contextvars(watched_session=session.id, network=caller.network):
            await self._serve(socket, session, caller.network)

    async def drain(self) -> None:
        """Wait until nobody watches any more. Their sessions have ended."""
        async with self._one_left:
            await self._one_left.wait_for(lambda: self._watching == 0)

    async def _serve(self, socket: WebSocket, session: Session, network: str) -> None:
        codec: Codec = "h264" if socket.query_params.get("video") == "h264" else "jpeg"
        self._watching += 1
        try:
            self._check_room()
            receipts = socket.scope.get("extensions", {}).get(SCOPE_EXTENSION)
            await session.show_to(socket, receipts, codec, network)
        except DomainError as error:
            logger.info("Watching was refused", code=error.code.value)
            with suppress(WebSocketDisconnect, RuntimeError):  # it may be gone already
                await socket.send_text(encode_message(ErrorMessage(message=error.message, code=error.code)))
                await socket.close(1000, error.code.value)
        finally:
            self._watching -= 1
            async with self._one_left:
                self._one_left.notify_all()

    def _check_room(self) -> None:
        """Raises: DomainError."""
        most = self._config.now.max_watchers_in_all
        if self._watching > most:
            raise DomainError(
                f"{most} people watch on this server already, as many as can. Try again when somebody leaves.",
                ErrorCode.TOO_MANY_WATCHERS,
            )

    def _opened(self, link: str, caller: Caller) -> Session:
        name = self._links.read(link)
        session = None if name is None else self._play.session(name.session_id)
        if name is None or session is None or not session.sharing.opens(name):
            self._throttle.link_was_wrong(caller.network)
            raise DomainError("This link opens nothing, or nothing any more.", ErrorCode.LINK_UNKNOWN)
        return session


async def _deny(socket: WebSocket, error: DomainError) -> None:
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, RetryLaterError):
        headers["Retry-After"] = str(error.retry_after_s)
    body = ErrorResponse(code=error.code, message=error.message).model_dump()
    await socket.send_denial_response(JSONResponse(body, error.http_status, headers))
