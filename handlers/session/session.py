"""One session from its first message to its last: the tasks that serve a client, and how they end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, assert_never

import structlog

from error_types import DomainError
from handlers.ownership.belongings import owner_id
from handlers.session import endings
from handlers.session.authoring import SessionAuthor
from handlers.session.commands import SessionCommands, prompt_of
from handlers.session.controls import ControlDesk
from handlers.session.copier import WorldCopier
from handlers.session.encoded_passes import EncodedPasses
from handlers.session.endings import InitDeadline, SessionEnd
from handlers.session.mailbox import InputMailbox, shows_a_player
from handlers.session.newest_seconds import NewestSeconds
from handlers.session.opening import WorldOpener
from handlers.session.outbox import Outbox, SocketLike, Writer
from handlers.session.permissions import SessionPermissions
from handlers.session.play import SessionPlay
from handlers.session.receiver import Receiver, ReceivingSocketLike, parser
from handlers.session.recording import SessionRecorder
from handlers.session.requests import RequestQueue, RequestRunner
from handlers.session.resumption import SessionResumption
from handlers.session.sharing import SessionSharing
from handlers.session.stats import SessionStats
from handlers.session.stepped import WorldClock
from handlers.session.video import SessionVideo
from handlers.session.video_track import VideoStills
from handlers.session.watcher import Watcher
from services.world_engine.prompt_words import takes_words
from state.app_state_types import EndReason
from wire_protocol import (
    CLIENT_MESSAGE,
    EXTENDED_CLIENT_MESSAGE,
    AnyNotification,
    AnyRequest,
    CancelNotification,
    ControlNotification,
    FrameAckNotification,
    LogMessage,
    PauseNotification,
    PromptNotification,
    ResetNotification,
    ResumeNotification,
    StageId,
    StatusMessage,
    SystemInfoMessage,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Executor

    from access_rules import Visitor
    from handlers.authoring_handler import AuthoringHandler
    from handlers.authoring_painter import ScenePainter
    from handlers.engines.pool import EnginePool
    from handlers.left_worlds import LeftWorlds
    from handlers.recorder_handler import RecorderHandler
    from handlers.safety_handler import SafetyHandler
    from handlers.seeds_handler import SeedsHandler
    from handlers.server_handler import ServerHandler
    from handlers.session.commands import CommandResult
    from handlers.session.encoded_passes import Codec
    from handlers.session.endings import Ending
    from handlers.session.played_world import MomentFacts, PlayedWorld
    from handlers.sessions_handler import SessionsHandler
    from handlers.share_links import ShareLinks
    from handlers.visitors_handler import VisitorsHandler
    from handlers.world_files_handler import WorldFilesHandler
    from runtime_config.current import Current
    from runtime_config.runtime_config import RuntimeConfig
    from services.clock.clock import Clock
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.input_log.input_log import InputLogs
    from services.metrics.metrics import Metrics
    from services.picture_decoder.picture_decoder import PictureDecoder
    from services.read_receipts.read_receipts import ReadReceipts
    from services.system_monitor.gpu_sampler import GpuSampler
    from services.video_encoder.video_encoder import VideoEncoder
    from state.app_state_types import SessionId

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class SessionSocketLike(SocketLike, ReceivingSocketLike, Protocol):
    pass


@dataclass(frozen=True, slots=True)
class SessionSurroundings:
    """What sessions are built from. Only `Session.__init__` reads it: each part gets just what it uses."""

    config: Current[RuntimeConfig]
    sessions: SessionsHandler
    visitors: VisitorsHandler
    pool: EnginePool
    seeds: SeedsHandler
    safety: SafetyHandler
    authoring: AuthoringHandler
    painter: ScenePainter
    recorder: RecorderHandler
    world_files: WorldFilesHandler
    server: ServerHandler
    links: ShareLinks
    left_worlds: LeftWorlds
    input_logs: InputLogs
    encoder: FrameEncoder
    video_encoder: VideoEncoder
    decoder: PictureDecoder
    metrics: Metrics
    gpu: GpuSampler
    clock: Clock
    engine_threads: Executor  # steps of worlds, one thread for each session at most
    work_threads: Executor  # decoding, hashing, parsing of what clients send
    check_threads: Executor  # what waits for verdicts on pictures


class Session:
    """Receiver, request runner, world actor and writer of one admitted connection.

    References between the parts point one way, so that an ended session leaves memory by itself.
    """

    def __init__(
        self,
        session_id: SessionId,
        around: SessionSurroundings,
        *,
        visitor: Visitor,
        receipts: ReadReceipts | None,
        extended: bool,
        is_video_wanted: bool,
        is_stepped: bool = False,
    ) -> None:
        """`is_video_wanted`: the client has said that it decodes H.264, and wants frames so.

        `is_stepped`: the world makes a pass for each `step` of the client, and none by itself.
        """
        # What is not live stays as it was when the session began.
        config, sessions, clock = around.config.now, around.sessions, around.clock
        limits = config.limits
        end = SessionEnd(lambda reason: sessions.end(session_id, reason))
        self.id = session_id
        self.visitor = visitor
        self._sessions = sessions
        self._server = around.server
        self._metrics = around.metrics
        self._clock = clock
        self._limits = limits
        # A stepped session sends one pass for each request, so nothing has to be held back.
        self._receipts = None if is_stepped else receipts
        self._extended = extended
        self._end = end
        self._stats = SessionStats()
        self._stats.played(clock.monotonic())
        self._inputs = InputMailbox()
        world_clock = WorldClock(clock) if is_stepped else None
        self._outbox = Outbox(
            clock, self._stats, limits.max_unsent_messages, lambda: end.begin(endings.client_too_slow())
        )
        self._passes = EncodedPasses(clock)
        recording = around.config.part(lambda config: config.recording)
        newest_seconds = NewestSeconds(clock, lambda: recording.now.clip_bytes)
        self._recorder = SessionRecorder(
            around.recorder,
            session_id,
            owner=owner_id(visitor),
            clock=world_clock or clock,
            work_threads=around.work_threads,
            passes=self._passes,
            newest_seconds=newest_seconds,
            stills=VideoStills(
                around.video_encoder,
                around.decoder,
                around.config.part(lambda config: config.video),
                around.work_threads,
            ),
            post=self._outbox.post,
            extended=extended,
        )
        self._play = SessionPlay(
            session_id,
            limits=limits,
            jpeg=around.config.part(lambda config: config.jpeg),
            sessions=sessions,
            pool=around.pool,
            inputs=self._inputs,
            outbox=self._outbox,
            passes=self._passes,
            newest_seconds=newest_seconds,
            recorder=self._recorder,
            encoder=around.encoder,
            begin_video=lambda spec: SessionVideo(
                spec, around.video_encoder, around.config.part(lambda config: config.video)
            ),
            is_video_wanted=is_video_wanted,
            decoder=around.decoder,
            input_logs=around.input_logs,
            library_versions=lambda: around.world_files.origins.versions,
            server=around.server,
            gpu=around.gpu,
            metrics=around.metrics,
            clock=clock,
            engine_threads=around.engine_threads,
            work_threads=around.work_threads,
            end=end,
            world_clock=world_clock,
        )
        desk = ControlDesk(
            session_id,
            sessions=sessions,
            play=self._play,
            inputs=self._inputs,
            clock=clock,
            metrics=around.metrics,
        )
        self.sharing = SessionSharing(
            session_id,
            links=around.links,
            desk=desk,
            sessions=sessions,
            stats=self._stats,
            clock=clock,
            config=around.config.part(lambda config: config.sharing),
            post=self._outbox.post_newest,
        )
        opener = WorldOpener(
            session_id,
            visitor=visitor,
            sessions=sessions,
            pool=around.pool,
            seeds=around.seeds,
            safety=around.safety,
            world_files=around.world_files,
            engine_threads=around.engine_threads,
            work_threads=around.work_threads,
            check_threads=around.check_threads,
            post=self._outbox.post,
            extended=extended,
        )
        author = SessionAuthor(
            session_id,
            owner=owner_id(visitor),
            authoring=around.authoring,
            painter=around.painter,
            seeds=around.seeds,
            recorder=self._recorder,
            clock=clock,
            work_threads=around.work_threads,
            post=self._outbox.post,
            extended=extended,
        )
        self._permissions = SessionPermissions(around.visitors, visitor, post=self._outbox.post, extended=extended)
        self._resumption = SessionResumption(
            around.left_worlds, visitor, lambda: end.begin(endings.resumed_elsewhere()), extended=extended
        )
        self._init_deadline = InitDeadline(limits.init_timeout_s, end)
        self._commands = SessionCommands(
            play=self._play,
            opener=opener,
            recorder=self._recorder,
            author=author,
            resumption=self._resumption,
            permissions=self._permissions,
            sharing=self.sharing,
            visitor=visitor,
            seeds=around.seeds,
            safety=around.safety,
            world_files=around.world_files,
            server=around.server,
            outbox=self._outbox,
            init_deadline=self._init_deadline,
            end=end,
            clock=clock,
            work_threads=around.work_threads,
            check_threads=around.check_threads,
            extended=extended,
        )
        copies = around.left_worlds.copies
        self._copier = (
            None if copies is None else WorldCopier(copies, self._play, self._resumption, around.work_threads)
        )
        self._copying: asyncio.Task[None] | None = None
        self._authoring_config = config.authoring
        self._work_threads = around.work_threads
        self._runner: RequestRunner | None = None

    async def run(self, socket: SessionSocketLike) -> EndReason:
        """Serve the client until the session ends; returns when everything of it has ended."""
        self._sessions.attach_stats(self.id, self._stats)
        self._outbox.post(SystemInfoMessage(**self._server.get_system_info().model_dump()))
        self._outbox.post(StatusMessage(stage=StageId.WAITING_FOR_SEED))
        self._init_deadline.arm()
        parse = parser(EXTENDED_CLIENT_MESSAGE if self._extended else CLIENT_MESSAGE)
        queue = RequestQueue(self._limits.max_waiting_requests, self._limits.max_waiting_request_bytes)
        runner = self._runner = RequestRunner(
            self._commands,
            queue,
            parse=parse,
            notify=self._notified,
            answer=self._outbox.post,
            config=self._authoring_config,
            work_threads=self._work_threads,
            clock=self._clock,
            metrics=self._metrics,
            stats=self._stats,
            permitted=self._permissions.permitted,
        )
        receiver = Receiver(
            socket,
            queue,
            parse=parse,
            max_message_bytes=self._limits.max_message_bytes,
            notify=self._notified,
            refuse=self._outbox.post,
        )
        writer = Writer(
            socket, self._outbox, self._stats, receipts=self._receipts, clock=self._clock, metrics=self._metrics
        )
        writing = asyncio.create_task(self._guard(writer.run()))
        receiving = asyncio.create_task(self._guard(self._receive(receiver)))
        serving = asyncio.create_task(self._guard(runner.run()))
        if self._copier is not None:
            self._copying = asyncio.create_task(self._guard(self._copier.run()))
        try:
            await self._end.wait()
        finally:
            try:
                await self._finish(writing, receiving, serving, runner)
            finally:
                self._resumption.leave(None)
            self._runner = None  # it leads back to this session
        return self._end.ending.reason

    def end(self, ending: Ending) -> None:
        """Begin to end; the first reason counts."""
        self._end.begin(ending)

    def post_log(self, message: LogMessage) -> None:
        self._outbox.post_log(message)

    async def show_to(
        self, socket: SessionSocketLike, receipts: ReadReceipts | None, codec: Codec, network: str
    ) -> None:
        """Let somebody from the address `network` watch, until they leave or the session ends.

        Raises:
            DomainError: as many watch as may, or somebody there was sent away.
        """
        watcher = Watcher(
            self.sharing,
            self._passes,
            self._play,
            codec,
            network=network,
            receipts=receipts,
            limits=self._limits,
            clock=self._clock,
            metrics=self._metrics,
        )
        await watcher.run(socket)

    async def perform(self, request: AnyRequest) -> CommandResult | None:
        """Do what a request asks for that came by REST; None once the session has ended. Raises: DomainError."""
        return None if self._runner is None else await self._runner.perform(request)

    async def moment_facts(self, moment_id: str) -> MomentFacts:
        """Raises: DomainError, no world is in play, or the moment is not kept."""

        async def facts(world: PlayedWorld) -> MomentFacts:
            return world.facts_of(moment_id)

        return await self._play.required_actor.run_between_steps(facts)

    async def _finish(
        self,
        writing: asyncio.Task[None],
        receiving: asyncio.Task[None],
        serving: asyncio.Task[None],
        runner: RequestRunner,
    ) -> None:
        """Answer what waits, tell the client, then end play: the place is freed only after it."""
        self.sharing.end()
        self._init_deadline.disarm()
        serving.cancel()
        await asyncio.wait({serving})
        await runner.close()
        await self._linger(writing, receiving)
        await runner.close()  # what came meanwhile is answered too
        await self._say_goodbye(writing)
        receiving.cancel()
        await asyncio.wait({receiving})
        await self._end_copying()
        ending = self._end.ending
        left = await self._play.stop(keep=ending.keeps_world and self._resumption.keep_s is not None)
        self._resumption.leave(left, keeps_copies=ending.reason is EndReason.SHUTDOWN)

    async def _end_copying(self) -> None:
        if self._copying is not None:
            self._copying.cancel()
            await asyncio.wait({self._copying})

    async def _linger(self, writing: asyncio.Task[None], receiving: asyncio.Task[None]) -> None:
        """Send the error that ends the session, and give a stock client time to show it.

        It would forget an error that is followed at once by the close of the connection.
        """
        error = self._end.ending.error
        if error is not None:
            self._outbox.post(error)
            if not self._extended:
                limit_s = self._limits.error_linger_s
                await asyncio.wait({writing, receiving}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)

    async def _say_goodbye(self, writing: asyncio.Task[None]) -> None:
        ending = self._end.ending
        if not ending.is_of_client:
            self._outbox.close(ending.close_code, ending.close_reason)
            await asyncio.wait({writing}, timeout=self._limits.farewell_timeout_s)
        writing.cancel()
        await asyncio.wait({writing})

    async def _receive(self, receiver: Receiver) -> None:
        self.end(endings.of_close(await receiver.run()))

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """A task of the session that fails ends the session, and says so."""
        try:
            await work
        except Exception as error:  # the boundary of the session's tasks: it owns their tracebacks
            logger.exception("A session failed", exc_info=error)
            self.end(endings.internal_error(self._server.error_snapshot()))

    def _notified(self, message: AnyNotification) -> None:
        if shows_a_player(message):
            self._stats.played(self._clock.monotonic())
        if not isinstance(message, FrameAckNotification):  # frames may come before the answer to an `init`
            self._resumption.heard()
        match message:
            case ControlNotification():
                self.sharing.control(message)
            case PauseNotification():
                if self._sessions.pause(self.id):
                    self._inputs.clear()
                    self._nudge()
                    self.sharing.changed()
            case ResumeNotification():
                if self._sessions.resume(self.id):
                    self._nudge()
                    self.sharing.changed()
            case ResetNotification():
                self._reset()
            case PromptNotification(prompt=prompt):
                self._prompted(prompt)
            case FrameAckNotification(frame_id=frame_id, epoch=epoch):
                self._outbox.acknowledge(frame_id, epoch)
            case CancelNotification(target_req_id=target):
                if self._runner is not None:
                    self._runner.cancel(target)
            case _:
                assert_never(message)

    def _reset(self, words: str | None = None) -> None:
        actor = self._play.actor
        if actor is not None:
            self._inputs.clear()  # what was pressed before must not move the world that starts over
            actor.reset(words)

    def _prompted(self, text: str) -> None:
        """Start over with these words. Nothing can answer a notification, so the client's log says what is refused."""
        actor = self._play.actor
        if actor is None:
            return
        active = actor.world.active
        if not takes_words(active.world):
            if text.strip():
                logger.warning("The prompt was not used: this model does not hear words", model=active.spec.model_id)
            self._reset()
            return
        try:
            words = prompt_of(text)
        except DomainError as error:
            logger.warning("The prompt was refused", code=error.code.value, reason=error.message)
        else:
            self._reset(words)

    def _nudge(self) -> None:
        if self._play.actor is not None:
            self._play.actor.nudge()
