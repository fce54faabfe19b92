"""What one session records: segments, each cut where play pauses, starts over or changes its world.

Where the session plays as H.264, a segment takes that as it is, and nothing is encoded for it. It is made of JPEGs
otherwise, and from the first caption on, which has to be drawn into the frames.
"""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.recorder_handler import Segment, SegmentOrder
from handlers.service_errors import RECORDING_CODES
from handlers.session.newest_seconds import JpegClip, VideoClip
from handlers.session.video_track import VideoTrack
from runtime_config.constants import VERSION
from services.recording_store.recording_notes import RecordingNotes, write_notes
from services.video_writer.video_writer import (
    Discarded,
    Failed,
    Finished,
    Incomplete,
    Postponed,
    RecordingPlan,
    VideoMetadata,
)
from wire_protocol import ClipResponseData, RecordingEvent, RecordingMessage, RecordingResponseData

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from pathlib import Path

    from handlers.recorder_handler import RecorderHandler
    from handlers.session.encoded_passes import EncodedPasses
    from handlers.session.newest_seconds import Clip, NewestSeconds
    from handlers.session.video_track import VideoStills
    from handlers.session.world import ActiveWorld
    from services.clock.clock import Clock
    from services.ownership_store.ownership_store import OwnerId
    from services.video_writer.video_writer import CopiedRecording, RecordedFile, Recording, RecordingOutcome
    from services.world_engine.world_engine import WorldSpec
    from state.app_state_types import SessionId
    from wire_protocol import InitRequest

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RecordingOrder:
    """Record, into the server's own folder if `folder` is None. `with_authoring` is a note in the file."""

    folder: Path | None = None
    with_authoring: bool = False


@dataclass(frozen=True, slots=True)
class JpegSegment:
    """Its file encodes what it is given."""

    segment: Segment[Recording]


@dataclass(frozen=True, slots=True)
class VideoSegment:
    """Its file takes what is encoded as H.264 anyway."""

    segment: Segment[CopiedRecording]
    track: VideoTrack


OpenSegment: TypeAlias = JpegSegment | VideoSegment


class SessionRecorder:
    """Touched by the event loop's thread alone. Nothing in it waits for a file.

    The actor calls `playing` and `cut`, the stream `shown`, and commands the rest. `extended`: the client understands
    messages about recordings; for others the log says the same.
    """

    def __init__(
        self,
        recorder: RecorderHandler,
        session_id: SessionId,
        *,
        owner: OwnerId,
        clock: Clock,
        work_threads: Executor,
        passes: EncodedPasses,
        newest_seconds: NewestSeconds,
        stills: VideoStills,
        post: Callable[[RecordingMessage], None],
        extended: bool,
    ) -> None:
        self._recorder = recorder
        self._session_id = session_id
        self._owner = owner
        self._clock = clock
        self._work_threads = work_threads
        self._passes = passes
        self._newest_seconds = newest_seconds
        self._stills = stills
        self._post = post
        self._extended = extended
        self._order: RecordingOrder | None = None
        self._open: OpenSegment | None = None
        self._needs_jpegs = False  # until recording is switched off: there was a caption, or H.264 was lost
        self._caption: tuple[str, float] | None = None  # for the next segment, which begins with it
        self._segments = 0
        self._told_to_fail: set[str] = set()  # and not ended yet
        self._picture = b""  # what the player sees now
        self._room_watch: asyncio.Task[None] | None = None
        self._client_version: str | None = None
        self._with_authoring = False
        self._events = asyncio.get_running_loop()
        self._log_context = contextvars.copy_context()

    # ----------------------------------------------------------------------------------------- commands

    async def configure(self, request: InitRequest) -> None:
        """Follow what an `init` says about recording."""
        config = request.config
        self._client_version, self._with_authoring = request.biome_version, config.scene_authoring
        if not config.video_recording:
            self._stop(keep_short=False)
            return
        order = RecordingOrder(await self._folder(config.video_output_dir), config.scene_authoring)
        if order != self._order:
            self.cut()
            self._order = order

    async def switch(self, *, on: bool, keep_short: bool) -> RecordingResponseData:
        """Begin or end in mid-play. It begins with the next turn of the actor.

        Raises:
            DomainError: there is no room.
        """
        if not on:
            return RecordingResponseData(state="off", name=self._stop(keep_short=keep_short))
        if self._order is None:
            await in_thread(self._work_threads, self._recorder.room.check)
            self._order = RecordingOrder(with_authoring=self._with_authoring)
        if self._open is None:
            return RecordingResponseData(state="waiting")
        return RecordingResponseData(state="recording", name=self._open.segment.name)

    async def keep_clip(self, active: ActiveWorld) -> ClipResponseData:
        """Make a recording of the newest seconds, whether or not the session is being recorded.

        Raises:
            DomainError: nothing was played yet, or there is no room.
        """
        clip = self._newest_seconds.clip()
        if clip is None:
            raise DomainError("There is nothing to keep yet.", ErrorCode.NOTHING_TO_KEEP)
        await in_thread(self._work_threads, self._recorder.room.check)
        self._segments += 1
        lasts_s = clip.ends_at_s - clip.passes[0][0]
        started_at, began = self._clock.wall() - lasts_s, self._clock.monotonic() - lasts_s
        plan = self._plan(active, started_at, input_log=None)
        order = SegmentOrder(self._session_id, self._owner, self._segments, started_at, began, plan, None)
        name = self._write_clip(order, clip)
        return ClipResponseData(name=name, duration_s=round(lasts_s, 1))

    def _write_clip(self, order: SegmentOrder, clip: Clip) -> str:
        match clip:
            case JpegClip(passes, ends_at_s):
                segment = self._recorder.begin(order, self._failed, self._ended)
                for at_s, length_s, jpegs in passes:
                    segment.file.write(jpegs, started_at=at_s, shown_for_s=length_s)
                self._recorder.end(segment, at=ends_at_s, keep_short=True)
                return segment.name
            case VideoClip(passes, ends_at_s):
                copied = self._recorder.begin_copy(order, self._failed, self._ended)
                for at_s, length_s, units in passes:
                    copied.file.write(units, started_at=at_s, shown_for_s=length_s)
                self._recorder.end(copied, at=ends_at_s, keep_short=True)
                return copied.name

    def caption(self, text: str) -> None:
        """Show `text` for a few seconds, from now on. For whatever changes the scene by words."""
        now = self._clock.monotonic()
        match self._open:
            case JpegSegment(segment):
                segment.file.caption(text, at=now)
            case VideoSegment():
                self._caption = text, now
                self._go_on_with_jpegs()
            case None:
                pass

    def _stop(self, *, keep_short: bool) -> str | None:
        """The name of the segment that this ended."""
        self._order, self._caption, self._needs_jpegs = None, None, False
        return self._end_segment(keep_short=keep_short)

    async def _folder(self, asked: str | None) -> Path | None:
        if not asked:
            return None
        try:
            return await in_thread(self._work_threads, lambda: self._recorder.room.resolve(asked))
        except DomainError as error:
            logger.warning("Recordings go elsewhere", code=error.code.value, reason=error.message)
            self._tell(_redirected(error))
            return None

    # ----------------------------------------------------------------------------- from the actor

    @property
    def takes_jpegs(self) -> bool:
        """Whether passes have to be encoded as JPEGs for the segment."""
        return isinstance(self._open, JpegSegment)

    @property
    def wants_picture(self) -> bool:
        """A segment is about to begin, with what the player sees."""
        return self._order is not None and self._open is None

    def seen(self, jpeg: bytes) -> None:
        """What the player sees now."""
        self._picture = jpeg

    def playing(self, active: ActiveWorld, input_log: str | None = None, *, as_video: bool = False) -> None:
        """The world runs: record it if that is wanted and not done yet.

        `input_log` names the log beside it. `as_video`: the session plays as H.264.
        """
        if self._order is None or self._open is not None:
            return
        self._segments += 1
        started_at, began = self._clock.wall(), self._clock.monotonic()
        plan = self._plan(active, started_at, input_log)
        order = SegmentOrder(self._session_id, self._owner, self._segments, started_at, began, plan, self._order.folder)
        if as_video and not self._needs_jpegs:
            self._open = self._begin_video(order, active.spec)
        else:
            self._open = self._begin_jpegs(order, active.spec)
        self._room_watch = asyncio.create_task(self._watch_room(order.folder))
        self._tell(_started(self._open.segment.name))

    def _plan(self, active: ActiveWorld, started_at: float, input_log: str | None) -> RecordingPlan:
        return plan_segment(
            active,
            play_session=self._session_id,
            segment=self._segments,
            started_at=started_at,
            with_authoring=self._with_authoring if self._order is None else self._order.with_authoring,
            client_version=self._client_version,
            input_log=input_log,
        )

    def _begin_jpegs(self, order: SegmentOrder, spec: WorldSpec) -> JpegSegment:
        segment = self._recorder.begin(order, self._failed, self._ended)
        if self._picture:
            segment.file.write((self._picture,), started_at=order.began, shown_for_s=spec.pass_interval_s)
        if self._caption is not None:
            (text, at), self._caption = self._caption, None
            segment.file.caption(text, at=at)
        return JpegSegment(segment)

    def _begin_video(self, order: SegmentOrder, spec: WorldSpec) -> VideoSegment:
        segment = self._recorder.begin_copy(order, self._failed, self._ended)
        track = VideoTrack(
            segment.file,
            encode_still=lambda jpeg: self._stills.encode(jpeg, spec),
            clock=self._clock,
            on_lost=self._go_on_with_jpegs,
        )
        if self._picture:
            track.show(self._picture, spec.pass_interval_s)
        self._passes.attach(track)
        return VideoSegment(segment, track)

    def _go_on_with_jpegs(self) -> None:
        """In another segment, which begins with the next turn of the actor."""
        self._needs_jpegs = True
        self._end_segment(keep_short=True)

    def cut(self) -> None:
        """Nothing comes, or what comes belongs into another file: a pause, a reset, another world, the end."""
        self._end_segment(keep_short=False)

    def shown(self, jpegs: tuple[bytes, ...], shown_for_s: float) -> None:
        """A pass, or a still picture, goes to the client now."""
        self._picture = jpegs[-1]
        if isinstance(self._open, JpegSegment):
            self._open.segment.file.write(jpegs, started_at=self._clock.monotonic(), shown_for_s=shown_for_s)

    # ------------------------------------------------------------------------------------------- parts

    def _end_segment(self, *, keep_short: bool) -> str | None:
        segment = self._let_go()
        if segment is None:
            return None
        self._recorder.end(segment, at=self._clock.monotonic(), keep_short=keep_short)
        self._tell(RecordingMessage(event=RecordingEvent.FINISHING, name=segment.name))
        return segment.name

    def _let_go(self) -> Segment[RecordedFile] | None:
        """Give the segment nothing more."""
        ended, self._open = self._open, None
        if self._room_watch is not None:
            self._room_watch.cancel()
            self._room_watch = None
        match ended:
            case None:
                return None
            case JpegSegment(segment):
                return segment
            case VideoSegment(segment, track):
                self._passes.detach(track)
                track.end()
                return segment

    async def _watch_room(self, folder: Path | None) -> None:
        """Disks fill up without telling, so this looks now and then."""
        check_s = self._recorder.config.now.room_check_s
        while True:
            try:
                await in_thread(self._work_threads, lambda: self._recorder.room.check(folder))
            except DomainError as error:
                name = "" if self._open is None else self._open.segment.name
                logger.warning("Recording stopped", name=name, code=error.code.value, reason=error.message)
                self._room_watch = None  # this very task
                self._tell(_refused(name, error))
                self._stop(keep_short=True)
                return
            await asyncio.sleep(check_s)

    def _failed(self, name: str, error: DomainError) -> None:
        self._soon(lambda: self._give_up(name, error))

    def _ended(self, outcome: RecordingOutcome) -> None:
        self._soon(lambda: self._settled(outcome))

    def _soon(self, act: Callable[[], None]) -> None:
        """From a thread of the writer's, maybe long after the session."""
        with suppress(RuntimeError):  # the event loop is closed
            self._events.call_soon_threadsafe(act, context=self._log_context)

    def _give_up(self, name: str, error: DomainError) -> None:
        """Recording is off until somebody asks for it: what failed once is not tried with every pass."""
        if self._open is not None and self._open.segment.name == name:
            self._let_go()
            self._stop(keep_short=False)
        self._told_to_fail.add(name)
        self._tell(_refused(name, error))

    def _settled(self, outcome: RecordingOutcome) -> None:
        if isinstance(outcome, Failed | Incomplete):
            name = outcome.path.stem
            if name not in self._told_to_fail:
                self._give_up(name, DomainError(outcome.sentence, RECORDING_CODES[outcome.fault]))
            self._told_to_fail.discard(name)
        news = _outcome_news(outcome)
        if news is not None:
            self._tell(news)

    def _tell(self, news: RecordingMessage) -> None:
        if self._extended:
            self._post(news)


# ---------------------------------------------------------------------------------------- what a file says of itself


def plan_segment(
    active: ActiveWorld,
    *,
    play_session: str,
    segment: int,
    started_at: float,
    with_authoring: bool,
    client_version: str | None,
    input_log: str | None,
) -> RecordingPlan:
    """The plan for recording `active` from now on. `with_authoring`: its player may change scenes in words."""
    spec = active.spec
    notes = RecordingNotes(
        biome_version=_short(client_version or f"Terrarium {VERSION}"),
        model=active.key.model_id,
        quant=active.key.quant,
        seed=None if active.seed.name is None else _short(active.seed.name),
        scene_authoring_enabled=with_authoring,
        server_version=VERSION,
        play_session=play_session,
        segment=segment,
        started_at=started_at,
        seed_hash=active.seed.hash,
        model_hash=spec.weights_hash,
        rng_seed=active.rng_seed,
        input_log=input_log,
    )
    metadata = VideoMetadata(title="Terrarium Recording", artist=f"Terrarium v{VERSION}", comment=write_notes(notes))
    return RecordingPlan(spec.width, spec.height, float(spec.fps), metadata)


def _short(text: str) -> str:
    """Clients choose these; the notes take so much."""
    return text[:200]


# --------------------------------------------------------------------------------------------- what a client is told


def _started(name: str) -> RecordingMessage:
    return RecordingMessage(event=RecordingEvent.STARTED, name=name)


def _refused(name: str, error: DomainError) -> RecordingMessage:
    """Nothing more is recorded. The client hears of the part before it when its file is done."""
    return RecordingMessage(event=RecordingEvent.FAILED, name=name, message=error.message, code=error.code)


def _redirected(error: DomainError) -> RecordingMessage:
    return RecordingMessage(event=RecordingEvent.REDIRECTED, message=error.message, code=error.code)


def _outcome_news(outcome: RecordingOutcome) -> RecordingMessage | None:
    """None where nothing came of it that could be told."""
    name = outcome.path.stem
    match outcome:
        case Finished(duration_s=duration_s) | Failed(kept=Finished(duration_s=duration_s)):
            return RecordingMessage(event=RecordingEvent.SAVED, name=name, duration_s=duration_s)
        case Discarded():
            return RecordingMessage(event=RecordingEvent.REMOVED, name=name)
        case Postponed():
            return RecordingMessage(event=RecordingEvent.POSTPONED, name=name)
        case Incomplete(fault=fault, sentence=sentence, duration_s=duration_s):
            return RecordingMessage(
                event=RecordingEvent.POSTPONED,
                name=name,
                duration_s=duration_s,
                message=sentence,
                code=RECORDING_CODES[fault],
            )
        case Failed():
            return None
        case _:
            assert_never(outcome)
