"""One session from its first message to its last: the tasks that serve it, and how they end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, assert_never

import structlog

from handlers.session import endings
from handlers.session.authoring import SessionAuthor
from handlers.session.endings import CLIENT_LEFT, Ending
from handlers.session.frame_loop import EngineExhaustedError, FrameLoop
from handlers.session.inputs import InputMailbox
from handlers.session.leases import SessionLeases
from handlers.session.outbox import Outbox
from handlers.session.receiver import Receiver, ReceivingSocketLike
from handlers.session.recording import SessionRecorder
from handlers.session.refusals import ends_connection, push_id, request_error, seed_warning
from handlers.session.request_service import RequestService
from handlers.session.requests import RequestQueue, RequestWorker, UnparsedRequest
from handlers.session.stats import SessionStats
from handlers.session.worlds import WorldStarter
from handlers.session.writer import SocketLike, Writer
from handlers.threads import in_thread
from state.app_state_types import EndReason, Playing, SessionId, WorldInPlay
from wire_protocol import (
    CLIENT_MESSAGE,
    EXTENDED_CLIENT_MESSAGE,
    AnyNotification,
    AnyRequest,
    CancelNotification,
    ControlNotification,
    ExtendedResponseData,
    FrameAckNotification,
    GenerateSceneRequest,
    InitRequest,
    PauseNotification,
    PromptNotification,
    ResetNotification,
    ResumeNotification,
    SceneEditRequest,
    StageId,
    StatusMessage,
    SystemInfoMessage,
    key_codes,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from error_types import DomainError
    from handlers.session.active_world import ActiveWorld
    from handlers.session.context import PlayContext
    from services.read_receipts.read_receipts import ReadReceipts

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class SessionSocketLike(SocketLike, ReceivingSocketLike, Protocol):
    pass


class Session:
    """Receiver, request worker, frame loop and writer of one admitted connection."""

    def __init__(
        self,
        context: PlayContext,
        session_id: SessionId,
        socket: SessionSocketLike,
        *,
        receipts: ReadReceipts | None,
        extended: bool,
    ) -> None:
        limits = context.config.limits
        self.id = session_id
        self.outbox = Outbox(context.clock, limits.max_unsent_messages, lambda: self.end(endings.client_too_slow()))
        self._context = context
        self._stats = SessionStats()
        self._inputs = InputMailbox()
        self._writer = Writer(
            socket, self.outbox, self._stats, receipts=receipts, clock=context.clock, metrics=context.metrics
        )
        queue = RequestQueue(limits.max_waiting_requests, limits.max_waiting_request_bytes)
        self._receiver = Receiver(
            socket,
            queue,
            adapter=EXTENDED_CLIENT_MESSAGE if extended else CLIENT_MESSAGE,
            limits=limits,
            notify=self._notified,
            refuse=lambda req_id, error: self.outbox.post(request_error(req_id, error)),
        )
        self._recorder = SessionRecorder(
            context.recorder,
            session_id,
            clock=context.clock,
            work_threads=context.work_threads,
            post=self.outbox.post,
            extended=extended,
        )
        self._leases = SessionLeases(context.engines, session_id)
        worlds = WorldStarter(context, session_id, self._leases, self.outbox.post, extended=extended)
        author = SessionAuthor(context, session_id, self._recorder, self.outbox.post, extended=extended)
        self._service = RequestService(context, worlds, self._recorder, author, self._start_loop)
        self._worker = RequestWorker(
            queue,
            serve=self._serve,
            parse=self._parse,
            answer=self.outbox.post,
            refused=self._refused,
            limit_s=self._limit_s,
            clock=context.clock,
            metrics=context.metrics,
        )
        self._loop: FrameLoop | None = None
        self._loop_task: asyncio.Task[None] | None = None
        self._init_deadline: asyncio.TimerHandle | None = None
        self._ending: Ending | None = None
        self._over = asyncio.Event()

    @property
    def frame_loop(self) -> FrameLoop | None:
        return self._loop

    # ------------------------------------------------------------------------------------------- lifetime

    async def run(self) -> EndReason:
        """Serve the client until the session ends; returns when everything of it has ended."""
        self._context.sessions.attach_stats(self.id, self._stats)
        self.outbox.post(SystemInfoMessage(**self._context.system_info.get_system_info().model_dump()))
        self.outbox.post(StatusMessage(stage=StageId.WAITING_FOR_SEED))
        self._arm_init_deadline()
        writer = asyncio.create_task(self._guard(self._writer.run()))
        receiver = asyncio.create_task(self._guard(self._receive()))
        worker = asyncio.create_task(self._guard(self._worker.run()))
        try:
            await self._over.wait()
        finally:
            await self._finish(writer, receiver, worker)
        return (self._ending or CLIENT_LEFT).reason

    def end(self, ending: Ending) -> None:
        """Begin to end; the first reason counts."""
        if self._ending is None:
            self._ending = ending
            self._context.sessions.end(self.id, ending.reason)
            self._over.set()

    async def _finish(
        self, writer: asyncio.Task[None], receiver: asyncio.Task[None], worker: asyncio.Task[None]
    ) -> None:
        """Answer what waits, say farewell, then join the loop: the slot is freed only after it."""
        self._disarm_init_deadline()
        receiver.cancel()
        worker.cancel()
        await asyncio.wait({receiver, worker})
        await self._worker.close()
        await self._say_farewell(writer)
        if self._loop is not None and self._loop_task is not None:
            self._loop.stop()
            await asyncio.wait({self._loop_task})
        await self._leases.close()

    async def _say_farewell(self, writer: asyncio.Task[None]) -> None:
        ending = self._ending or CLIENT_LEFT
        if ending is not CLIENT_LEFT:
            if ending.error is not None:
                self.outbox.post(ending.error)
            self.outbox.close(ending.close_code, ending.close_reason)
            await asyncio.wait({writer}, timeout=self._context.config.limits.farewell_timeout_s)
        writer.cancel()
        await asyncio.wait({writer})

    async def _receive(self) -> None:
        await self._receiver.run()
        self.end(CLIENT_LEFT)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """A task of the session that fails ends the session, and says so."""
        try:
            await work
        except Exception as error:  # the boundary of the session's tasks: it owns their tracebacks
            logger.exception("A session failed", exc_info=error)
            self.end(endings.internal_error(self._context.system_info.error_snapshot()))

    # --------------------------------------------------------------------------------- the init deadline

    def _arm_init_deadline(self) -> None:
        """A client without a world must send an `init` in time; nothing else extends it."""
        limit_s = self._context.config.limits.init_timeout_s
        self._disarm_init_deadline()
        self._init_deadline = asyncio.get_running_loop().call_later(
            limit_s, lambda: self.end(endings.init_overdue(limit_s))
        )

    def _disarm_init_deadline(self) -> None:
        if self._init_deadline is not None:
            self._init_deadline.cancel()
            self._init_deadline = None

    # -------------------------------------------------------------------------------------- notifications

    def _notified(self, message: AnyNotification) -> None:
        match message:
            case ControlNotification():
                self._control(message)
            case PauseNotification():
                if self._context.sessions.pause(self.id):
                    self._inputs.clear()
                    self._nudge()
            case ResumeNotification():
                if self._context.sessions.resume(self.id):
                    self._nudge()
            case ResetNotification() | PromptNotification():
                if self._loop is not None:
                    self._inputs.clear()  # what was pressed before must not move the world that starts over
                    self._loop.reset()
            case FrameAckNotification(frame_id=frame_id):
                self.outbox.acknowledge(frame_id)
            case CancelNotification(target_req_id=target):
                self._worker.cancel(target)
            case _:
                assert_never(message)

    def _control(self, message: ControlNotification) -> None:
        self._context.metrics.control_received()
        if self._loop is None or not isinstance(self._context.sessions.state_of(self.id), Playing):
            return
        now = self._context.clock.monotonic()
        self._inputs.put(key_codes(message.buttons), message.mouse_dx, message.mouse_dy, message.ts, now)
        self._loop.control_arrived()

    def _nudge(self) -> None:
        if self._loop is not None:
            self._loop.nudge()

    # ------------------------------------------------------------------------------------------- requests

    async def _parse(self, waiting: UnparsedRequest) -> AnyRequest | None:
        message = await in_thread(self._context.work_threads, lambda: self._receiver.parse(waiting.text))
        if isinstance(message, AnyRequest):
            return message
        self._notified(message)
        return None

    async def _serve(self, request: AnyRequest) -> ExtendedResponseData:
        if not isinstance(request, InitRequest):
            return await self._service.serve(request)
        self._disarm_init_deadline()
        try:
            return await self._service.serve(request)
        finally:
            if self._loop is None and self._ending is None:
                self._arm_init_deadline()

    def _limit_s(self, request: AnyRequest) -> float | None:
        """How long a request may take whose client names no limit: stock clients wait so long, and no longer."""
        match request:
            case SceneEditRequest():
                return self._context.config.authoring.edit_limit_s
            case GenerateSceneRequest():
                return self._context.config.authoring.scene_limit_s
            case _:
                return None

    def _refused(self, request: AnyRequest, error: DomainError) -> None:
        """A refused `init` may come with a warning, and a first one may be the last thing on the connection."""
        if not isinstance(request, InitRequest):
            return
        warning = seed_warning(error)
        if warning is not None:
            self.outbox.post(warning)
        if self._loop is None and ends_connection(error):
            snapshot = self._context.system_info.error_snapshot()
            self.end(endings.init_refused(error.message, error.code, push_id(error), snapshot))

    # ------------------------------------------------------------------------------------- the frame loop

    def _start_loop(self, active: ActiveWorld, world: WorldInPlay) -> FrameLoop:
        loop = FrameLoop(
            self._context,
            self.id,
            self._leases,
            active,
            world.epoch,
            inputs=self._inputs,
            outbox=self.outbox,
            stats=self._stats,
            recorder=self._recorder,
        )
        self._loop = loop
        self._loop_task = asyncio.create_task(self._guard(self._play(loop)))
        self.outbox.post(StatusMessage(stage=StageId.READY))
        logger.info("World started", model=world.key.model_id, seed=world.seed_hash[:12], rng_seed=world.rng_seed)
        return loop

    async def _play(self, loop: FrameLoop) -> None:
        try:
            await loop.run()
        except EngineExhaustedError:
            self.end(endings.engine_failed(self._context.system_info.error_snapshot()))
