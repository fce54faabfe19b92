"""What plays the world of one session: its actor, from the first world to the last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from error_types import DomainError, ErrorCode
from handlers.session import endings
from handlers.session.actor import EngineExhaustedError, WorldActor
from handlers.session.history import SegmentLog, WorldHistory
from handlers.session.left_world import LeftWorld
from handlers.session.played_world import PlayedWorld
from handlers.session.stepped import asked_size, not_drawn_small
from handlers.session.stream import EncoderFailedError, FrameStream
from services.world_copies.world_copies import WorldCopy
from wire_protocol import StageId, StatusMessage

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from handlers.engines.pool import EnginePool
    from handlers.server_handler import ServerHandler
    from handlers.session.encoded_passes import EncodedPasses
    from handlers.session.endings import SessionEnd
    from handlers.session.mailbox import InputMailbox
    from handlers.session.newest_seconds import NewestSeconds
    from handlers.session.outbox import Outbox
    from handlers.session.recording import SessionRecorder
    from handlers.session.stepped import PictureSize, WorldClock
    from handlers.session.stream import BeginVideo
    from handlers.session.world import LeasedWorld
    from handlers.sessions_handler import SessionsHandler
    from runtime_config.current import Current
    from runtime_config.runtime_config import JpegConfig, SessionLimits
    from services.clock.clock import Clock
    from services.frame_encoder.frame_encoder import FrameEncoder
    from services.input_log.input_log import InputLogs
    from services.metrics.metrics import Metrics
    from services.picture_decoder.picture_decoder import PictureDecoder
    from services.system_monitor.gpu_sampler import GpuSampler
    from state.app_state_types import SessionId, WorldInPlay
    from wire_protocol import InitRequest

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class SessionPlay:
    """Wires the actor when the first world is there, and runs it as a task until the session ends."""

    def __init__(
        self,
        session_id: SessionId,
        *,
        limits: SessionLimits,
        jpeg: Current[JpegConfig],
        sessions: SessionsHandler,
        pool: EnginePool,
        inputs: InputMailbox,
        outbox: Outbox,
        passes: EncodedPasses,
        newest_seconds: NewestSeconds,
        recorder: SessionRecorder,
        encoder: FrameEncoder,
        begin_video: BeginVideo,
        is_video_wanted: bool,
        decoder: PictureDecoder,
        input_logs: InputLogs,
        library_versions: Callable[[], dict[str, str]],
        server: ServerHandler,
        gpu: GpuSampler,
        metrics: Metrics,
        clock: Clock,
        engine_threads: Executor,
        work_threads: Executor,
        end: SessionEnd,
        world_clock: WorldClock | None,
    ) -> None:
        self._session_id = session_id
        self._limits = limits
        self._jpeg = jpeg
        self._sessions = sessions
        self._pool = pool
        self._inputs = inputs
        self._outbox = outbox
        self._passes = passes
        self._newest_seconds = newest_seconds
        self._recorder = recorder
        self._encoder = encoder
        self._begin_video = begin_video
        self._is_video_wanted = is_video_wanted
        self._decoder = decoder
        self._input_logs = input_logs
        self._library_versions = library_versions
        self._server = server
        self._gpu = gpu
        self._metrics = metrics
        self._clock = clock
        self._engine_threads = engine_threads
        self._work_threads = work_threads
        self._end = end
        self._world_clock = world_clock
        self._task: asyncio.Task[None] | None = None
        self.actor: WorldActor | None = None

    @property
    def required_actor(self) -> WorldActor:
        """Raises: DomainError, no world was started yet."""
        if self.actor is None:
            raise DomainError("Start a world first.", ErrorCode.NOT_READY)
        return self.actor

    def size_for(self, request: InitRequest) -> PictureSize | None:
        """The size in which the world that is asked for is to be drawn; None: its engine's own.

        Raises:
            DomainError: a world that goes on by itself has no other.
        """
        size = asked_size(request)
        if size is not None and self._world_clock is None:
            raise not_drawn_small()
        return size

    def start(self, leased: LeasedWorld, world: WorldInPlay, left: LeftWorld | WorldCopy | None = None) -> WorldActor:
        """Play the session's first world; `left` is what was kept of it, where another session has left it."""
        kept = left if isinstance(left, LeftWorld) else None
        limits = self._limits
        stream = FrameStream(
            leased.active.spec,
            world.epoch,
            encoder=self._encoder,
            outbox=self._outbox,
            passes=self._passes,
            newest_seconds=self._newest_seconds,
            begin_shared_video=self._begin_video,
            recorder=self._recorder,
            jpeg=self._jpeg,
            gpu=self._gpu,
            clock=self._clock,
            metrics=self._metrics,
        )
        if self._is_video_wanted:
            stream.use_video(self._begin_video)
        history = WorldHistory(
            leased.active,
            SegmentLog(self._input_logs, self._clock, self._library_versions),
            limits=limits,
            clock=self._clock,
            work_threads=self._work_threads,
            remembered=None if kept is None else kept.remembered,
            passes_made=left.passes_made if isinstance(left, WorldCopy) else 0,
        )
        played = PlayedWorld(
            self._session_id,
            leased,
            sessions=self._sessions,
            inputs=self._inputs,
            stream=stream,
            history=history,
            recorder=self._recorder,
            decoder=self._decoder,
            limits=limits,
            engine_threads=self._engine_threads,
            work_threads=self._work_threads,
            moments=None if kept is None else kept.moments,
        )
        actor = self.actor = WorldActor(
            self._session_id,
            played,
            sessions=self._sessions,
            pool=self._pool,
            inputs=self._inputs,
            stream=stream,
            recorder=self._recorder,
            outbox=self._outbox,
            limits=limits,
            clock=self._clock,
            world_clock=self._world_clock,
        )
        self._task = asyncio.create_task(self._run(actor))
        self._outbox.post(StatusMessage(stage=StageId.READY))
        logger.info("World started", model=world.key.model_id, seed=world.seed_hash[:12], rng_seed=world.rng_seed)
        return actor

    async def use_video(self, *, wanted: bool) -> bool:
        """Send H.264 from now on, or JPEGs; whether it is H.264.

        Raises:
            DomainError: no world is in play.
        """
        actor, begin = self.required_actor, self._begin_video if wanted else None
        # Not between two steps: the pass in hand is of no use to a decoder that has lost a frame.
        video = actor.world.renew_video() if wanted else None
        if video is None:
            video = await actor.run_between_steps(lambda world: world.use_video(begin))
        else:
            await actor.run_between_steps(lambda world: world.see())
        return video is not None and await video.opened()

    async def stop(self, *, keep: bool = False) -> LeftWorld | None:
        """End the actor, and wait until its world is closed and its engine given back.

        With `keep`, what it takes to play on in another session, if there is anything to go on from.
        """
        if self.actor is None or self._task is None:
            return None
        self.actor.stop(keep=keep)
        await asyncio.wait({self._task})
        return self.actor.left

    async def _run(self, actor: WorldActor) -> None:
        try:
            await actor.run()
        except EngineExhaustedError:
            self._end.begin(endings.engine_failed(self._server.error_snapshot()))
        except EncoderFailedError:
            self._end.begin(endings.encoder_failed(self._server.error_snapshot()))
        except Exception as error:  # the boundary of this task: it owns its tracebacks
            logger.exception("A session failed", exc_info=error)
            self._end.begin(endings.internal_error(self._server.error_snapshot()))
