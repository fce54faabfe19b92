"""The WebSocket endpoint: handshake, admission, the session, and the end of all sessions."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from access_rules import is_foreign, owner_of
from api_types import SessionGuests
from error_types import DomainError, ErrorCode
from handlers.session import endings
from handlers.session.session import Session
from handlers.sessions_handler import (
    AddressFull,
    Admitted,
    Newcomer,
    ServerStopping,
    SlotIdle,
    SlotsEnding,
    SlotsTaken,
)
from services.read_receipts.read_receipts import SCOPE_EXTENSION
from sign_in import CALLER_SCOPE, DIRECT_SCOPE
from state.app_state_types import EndReason, SessionId
from wire_protocol import PROTOCOL_VERSION, ErrorId, ErrorMessage, LogMessage, encode_message

if TYPE_CHECKING:
    from access_rules import Visitor
    from handlers.places.door import FleetDoor
    from handlers.places.places_handler import PlacesHandler
    from handlers.session.commands import CommandResult
    from handlers.session.endings import Ending
    from handlers.session.played_world import MomentFacts
    from handlers.session.session import SessionSurroundings
    from services.log_stream.log_stream import LogStream
    from services.system_monitor.system_monitor import SystemMonitor
    from sign_in import Caller, Direct, Revocation
    from wire_protocol import AnyRequest

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_SLOT_PATIENCE_S = 3.0  # for a session that is over, but whose loop has not been joined yet


class PlayHandler:
    """Sessions as the server sees them: who may come in, and that everybody's end is waited for."""

    def __init__(
        self,
        around: SessionSurroundings,
        log_stream: LogStream,
        monitor: SystemMonitor,
        *,
        places: PlacesHandler,
        door: FleetDoor,
    ) -> None:
        self._around = around
        self._places = places
        self._door = door
        self._monitor = monitor
        self._log_stream = log_stream
        self._sessions: dict[SessionId, Session] = {}
        self._slot_freed = asyncio.Condition()

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection to its end."""
        await socket.accept()
        direct: Direct | None = socket.scope.get(DIRECT_SCOPE)
        ticket = socket.query_params.get("ticket", "")
        kept_for = self._places.kept_for(ticket) if direct is None else direct.session_id
        session_id = kept_for or secrets.token_hex(4)
        remote = socket.client.host if socket.client is not None else "unknown"
        caller: Caller = socket.scope[CALLER_SCOPE]
        visitor = caller.visitor
        with structlog.contextvars.bound_contextvars(session_id=session_id, client_host=remote):
            refusal = _version_refusal(socket.query_params.get("protocol_version"))
            extended = socket.query_params.get("client") == "terrarium"
            follows = socket.query_params.get("follows") if extended else None
            if refusal is None and self._places.is_door_for(follows, direct):
                await self._door.serve(socket, caller)
                return
            if refusal is None:
                newcomer = Newcomer(session_id, "terrarium" if extended else "stock", remote, visitor)
                refusal = await self._admit(newcomer, is_kept=kept_for is not None)
            if refusal is not None:
                await self._refuse(socket, refusal, extended=extended)
                return
            receipts = socket.scope.get("extensions", {}).get(SCOPE_EXTENSION)
            session = Session(
                session_id,
                self._around,
                visitor=visitor,
                receipts=receipts,
                extended=extended,
                is_video_wanted=extended and socket.query_params.get("video") == "h264",
                is_stepped=extended and socket.query_params.get("mode") == "stepped",
            )
            await self._play(session, socket, caller.revocation)

    async def _play(self, session: Session, socket: WebSocket, revocation: Revocation) -> None:
        """Run a session as a task of its own: a server that gives up on the endpoint must not cut its end short."""
        session_id = session.id
        self._sessions[session_id] = session
        revocation.on_revoked(lambda: self._end(session_id, endings.signed_out()))  # it must not keep the session
        running = asyncio.create_task(self._run(session, socket))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            session.end(endings.CLIENT_LEFT)
            raise

    async def perform(self, visitor: Visitor, session_id: SessionId, request: AnyRequest) -> CommandResult:
        """Do what a request asks for, in an open session of the visitor's: the same as if its own client had sent it.

        Raises:
            DomainError: there is no such session, or the request is refused.
        """
        answer = await self._session_of(visitor, session_id).perform(request)
        if answer is None:
            raise _unknown_session()
        return answer

    async def moment_facts(self, visitor: Visitor, session_id: SessionId, moment_id: str) -> MomentFacts:
        """Raises: DomainError, there is no such session of the visitor's, or no such moment in it."""
        return await self._session_of(visitor, session_id).moment_facts(moment_id)

    def guests(self, visitor: Visitor, session_id: SessionId) -> SessionGuests:
        """Who watches a session of the visitor's. Raises: DomainError, there is no such session."""
        now = self._session_of(visitor, session_id).sharing.data()
        return SessionGuests(guests=list(now.guests), asking=now.asking, playing=now.guest)

    def session(self, session_id: SessionId) -> Session | None:
        """An open session, for those whom its link lets in."""
        return self._sessions.get(session_id)

    async def drain(self) -> None:
        """End every session with a farewell, and wait for them. No new one is admitted: the state says so already."""
        for session in list(self._sessions.values()):
            session.end(endings.shutting_down())
        await self._door.drain()
        async with self._slot_freed:
            await self._slot_freed.wait_for(lambda: not self._sessions)

    @property
    def is_played(self) -> bool:
        return bool(self._sessions)

    async def emptied(self) -> None:
        """Return when nobody plays here any more."""
        async with self._slot_freed:
            await self._slot_freed.wait_for(lambda: not self._sessions)

    def _session_of(self, visitor: Visitor, session_id: SessionId) -> Session:
        session = self._sessions.get(session_id)
        if session is None or is_foreign(visitor, owner_of(session.visitor)):
            raise _unknown_session()
        return session

    async def _run(self, session: Session, socket: WebSocket) -> None:
        self._around.metrics.session_opened()
        logger.info("Session opened")
        events = asyncio.get_running_loop()

        def deliver(message: LogMessage) -> None:
            if not events.is_closed():
                events.call_soon_threadsafe(session.post_log, message)

        unsubscribe = self._log_stream.subscribe(session.id, deliver)
        reason = EndReason.INTERNAL_ERROR
        try:
            reason = await session.run(socket)
        finally:
            unsubscribe()
            del self._sessions[session.id]
            self._around.sessions.forget(session.id)
            self._around.metrics.session_closed(reason.value)
            logger.info("Session closed", reason=reason.value)
            self._give_memory_back()
            async with self._slot_freed:
                self._slot_freed.notify_all()

    def _give_memory_back(self) -> None:
        """Frames and snapshots of an ended session leave holes that the allocator would keep."""
        with suppress(RuntimeError):  # the threads are shut down: so is the process, soon
            self._around.work_threads.submit(self._monitor.release_free_memory)

    async def _admit(self, newcomer: Newcomer, *, is_kept: bool) -> ErrorMessage | None:
        """A slot for the newcomer, for whom one may be kept, or what to tell it."""
        deadline = asyncio.get_running_loop().time() + _SLOT_PATIENCE_S
        while True:
            is_late = asyncio.get_running_loop().time() >= deadline
            async with self._places.held_here(newcomer.session_id, is_kept=is_kept) as has_place:
                admission = self._around.sessions.admit(newcomer, is_promised=not has_place)
            match admission:
                case Admitted(displaced):
                    if displaced is not None:
                        self._end(displaced, endings.displaced())
                    return None
                case SlotIdle(session_id) if not is_late:
                    self._end(session_id, endings.place_held_idle(self._around.config.now.limits.idle_place_s))
                    await self._wait_for_slot(deadline)
                case SlotsEnding() if not is_late:
                    await self._wait_for_slot(deadline)
                case AddressFull(max_sessions):
                    return ErrorMessage(
                        message=f"Your address has {max_sessions} sessions open, as many as it may have without the"
                        " server's token. Close one of them first.",
                        code=ErrorCode.TOO_MANY_SESSIONS,
                    )
                case SlotIdle() | SlotsEnding() | SlotsTaken():
                    return ErrorMessage(
                        message_id=ErrorId.SERVER_BUSY,
                        message="All places on this server are taken. Try again when somebody leaves.",
                        code=ErrorCode.SERVER_BUSY,
                    )
                case ServerStopping():
                    return ErrorMessage(message="The server is shutting down.", code=ErrorCode.SHUTTING_DOWN)

    async def _wait_for_slot(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline), self._slot_freed:
                await self._slot_freed.wait()
        except TimeoutError:
            return

    def _end(self, session_id: SessionId, ending: Ending) -> None:
        session = self._sessions.get(session_id)
        if session is not None:
            session.end(ending)

    async def _refuse(self, socket: WebSocket, error: ErrorMessage, *, extended: bool) -> None:
        code = error.code or ErrorCode.INTERNAL
        logger.info("Connection refused", code=code.value)
        self._around.metrics.session_refused(code.value)
        with suppress(WebSocketDisconnect, RuntimeError):  # it may be gone already
            await socket.send_text(encode_message(error))
            if not extended:
                await self._linger(socket)
            await socket.close(1000, code.value)

    async def _linger(self, socket: WebSocket) -> None:
        """A stock client forgets an error that is followed at once by the close, so it gets time to show it first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._around.config.now.limits.error_linger_s):
                while (await socket.receive())["type"] != "websocket.disconnect":
                    pass


def _unknown_session() -> DomainError:
    return DomainError("There is no such session.", ErrorCode.SESSION_UNKNOWN)


def _version_refusal(version: str | None) -> ErrorMessage | None:
    if version == str(PROTOCOL_VERSION):
        return None
    client = version[:32] if version else "unknown"
    return ErrorMessage(
        message_id=ErrorId.PROTOCOL_VERSION_MISMATCH,
        message=f"This server speaks protocol version {PROTOCOL_VERSION}, the client {client}.",
        params={"client": client, "server": str(PROTOCOL_VERSION)},
        code=ErrorCode.PROTOCOL_VERSION_MISMATCH,
    )
