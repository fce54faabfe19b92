"""Recordings in the making: where there is room for them, and how they begin, end and are finished beside play."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar, assert_never

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import StateHandler, with_state_lock
from handlers.service_errors import RECORDING_CODES
from handlers.unfinished_recordings import UnfinishedRecordings
from services.ownership_store.ownership_store import Thing, ThingKind
from services.recording_store.file_names import SUFFIX, new_name
from services.video_writer.video_writer import (
    Discarded,
    Failed,
    Finished,
    Incomplete,
    Postponed,
    RecordingFault,
    RecordingOutcome,
    RecordingPlan,
    RecordingProgress,
)
from state.app_state_types import Finishing, NotRecording, Recording, RecordingName, RecordingState, SessionId
from state.events import RecordingBegan, RecordingClosed, RecordingStopped
from state.transitions import recording_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import RLock

    from handlers.ownership.belongings import Belongings
    from runtime_config.current import Current
    from runtime_config.runtime_config import RecordingConfig
    from services.clock.clock import Clock
    from services.ownership_store.ownership_store import OwnerId
    from services.recording_store.recording_store import RecordingStore
    from services.task_runner.task_runner import TaskRunner
    from services.video_writer.video_writer import (
        CopiedRecording,
        OnRecordingEnd,
        OnRecordingFault,
        RecordedFile,
        VideoWriter,
    )
    from services.video_writer.video_writer import Recording as RecordingFile
    from state.app_state_types import AppState

    OnFault: TypeAlias = Callable[[RecordingName, DomainError], None]

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


_MOST_FOLDERS: Final = 2000  # of clients' that are looked through after a crash


@dataclass(frozen=True, slots=True)
class SegmentOrder:
    """What a session wants recorded: from here to its next pause, reset or change of world.

    `number` counts the segments of the session from 1. `folder` is None for the server's own.
    """

    session_id: SessionId
    owner: OwnerId
    number: int
    started_at: float  # seconds since the Unix epoch
    began: float  # the same moment on the monotonic clock
    plan: RecordingPlan
    folder: Path | None


File = TypeVar("File", bound="RecordedFile", covariant=True)


@dataclass(frozen=True, slots=True)
class Segment(Generic[File]):
    """One file on its way. `began` is a monotonic time, as all those that its file is told."""

    name: RecordingName
    order: SegmentOrder
    file: File


@dataclass(frozen=True, slots=True)
class ActiveRecording:
    """One that has no finished file yet, while its file is being written."""

    name: RecordingName
    state: Recording | Finishing
    progress: RecordingProgress


class RecordingRoom:
    """Where recordings may go, and whether there is room for them.

    Every method blocks. None stands for the server's own folder.
    """

    def __init__(self, store: RecordingStore, config: Current[RecordingConfig]) -> None:
        self._store = store
        self._config = config

    def check(self, folder: Path | None = None) -> None:
        """Raises: DomainError, there is no room to record (on): on the disk, or within the quota."""
        if folder is None:
            usage = self._store.usage()
            free_bytes = usage.free_bytes
            if usage.used_bytes >= self._config.now.quota_bytes:
                raise DomainError(
                    "The recordings take up all the room they may. Delete some to record again.",
                    ErrorCode.RECORDING_QUOTA_USED,
                )
        else:
            free_bytes = self._store.free_bytes(folder)
        if free_bytes < self._config.now.least_free_bytes:
            raise DomainError("The disk of the recordings is full.", ErrorCode.RECORDING_DISK_FULL)

    def resolve(self, asked: str) -> Path:
        """The folder that a client wants its recordings in.

        Raises:
            DomainError: it is in none of those that the settings allow.
        """
        try:
            path = Path(asked)
            resolved = path.resolve() if path.is_absolute() else None
        except (OSError, RuntimeError, ValueError):  # a null byte, a loop of links
            resolved = None
        if resolved is not None and any(resolved.is_relative_to(root) for root in self._config.now.client_folders):
            return resolved
        raise DomainError(
            "This server does not record into that folder, but into its own one. Whoever runs it can allow a folder "
            "with --client-recordings-dir.",
            ErrorCode.RECORDING_FOLDER_REFUSED,
        )

    def folders(self) -> Iterator[Path]:
        """Every folder that there may be recordings in: the server's own, and those that clients may have chosen."""
        yield self._store.folder
        looked_at = 0
        for root in self._config.now.client_folders:
            for folder, _, _ in os.walk(root):
                looked_at += 1
                if looked_at > _MOST_FOLDERS:
                    logger.warning("Not every folder was searched for unfinished recordings", searched=_MOST_FOLDERS)
                    return
                yield Path(folder)


class RecorderHandler(StateHandler):
    """Nothing here waits for an encoder: files end on the writer's own threads, which call back."""

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        writer: VideoWriter,
        store: RecordingStore,
        belongings: Belongings,
        task_runner: TaskRunner,
        clock: Clock,
        config: Current[RecordingConfig],
    ) -> None:
        super().__init__(state, lock)
        self._writer = writer
        self._store = store
        self._belongings = belongings
        self._clock = clock
        self.config = config
        self.room = RecordingRoom(store, config)
        self.unfinished = UnfinishedRecordings(
            state,
            lock,
            writer=writer,
            task_runner=task_runner,
            clock=clock,
            retry_s=config.now.room_check_s,
            log_end=lambda outcome: _log_end(outcome, None),
        )
        self._files: dict[RecordingName, RecordedFile] = {}

    # --------------------------------------------------------------------------------- segments of sessions

    def begin(self, order: SegmentOrder, on_fault: OnFault, on_end: OnRecordingEnd) -> Segment[RecordingFile]:
        """Begin a file. `on_fault` is called at most once, when nothing more is recorded; `on_end` once, after it, when
        the file is done. Both are called on threads of the writer's."""
        return self._begin(order, self._writer.start, on_fault, on_end)

    def begin_copy(self, order: SegmentOrder, on_fault: OnFault, on_end: OnRecordingEnd) -> Segment[CopiedRecording]:
        """The same for what is H.264 already."""
        return self._begin(order, self._writer.start_copy, on_fault, on_end)

    def _begin(
        self,
        order: SegmentOrder,
        start: Callable[[Path, RecordingPlan, OnRecordingEnd, OnRecordingFault], File],
        on_fault: OnFault,
        on_end: OnRecordingEnd,
    ) -> Segment[File]:
        name = new_name(order.started_at, order.session_id, order.number)
        self._began(name, order)
        self._belongings.adopt_soon(order.owner, Thing(ThingKind.RECORDING, name))

        def failed(fault: RecordingFault, sentence: str) -> None:
            self._finishing(name)
            error = DomainError(sentence, RECORDING_CODES[fault])
            _log_of(order.session_id).warning(
                "Recording stopped", name=name, code=error.code.value, reason=error.message
            )
            on_fault(name, error)

        def ended(outcome: RecordingOutcome) -> None:
            if isinstance(outcome, Incomplete):
                self.unfinished.leave(outcome)
                self._detach(name)
            else:
                self._forget(name)
            _log_end(outcome, order.session_id)
            on_end(outcome)

        path = (order.folder or self._store.folder) / f"{name}{SUFFIX}"
        file = start(path, order.plan, ended, failed)
        self._attach(name, file)
        return Segment(name, order, file)

    def end(self, segment: Segment[RecordedFile], *, at: float, keep_short: bool) -> None:
        """No more passes come; the file is finished beside play, or removed when it is too short.

        `at` is now, by the clock that the segment began by.
        """
        if not self._finishing(segment.name):
            return  # it failed
        if at - segment.order.began < self.config.now.shortest_s and not keep_short:
            segment.file.discard()
        else:
            segment.file.finish(ended_at=at)

    @with_state_lock
    def state_of(self, name: RecordingName) -> RecordingState:
        return self._state.recordings.get(name, NotRecording())

    def active(self) -> tuple[ActiveRecording, ...]:
        """All whose files are being written, oldest first."""
        return tuple(ActiveRecording(name, state, file.progress()) for name, state, file in self._listed())

    @with_state_lock
    def _listed(self) -> list[tuple[RecordingName, Recording | Finishing, RecordedFile]]:
        return [
            (name, state, self._files[name])
            for name, state in self._state.recordings.items()
            if isinstance(state, Recording | Finishing) and name in self._files
        ]

    @with_state_lock
    def _began(self, name: RecordingName, order: SegmentOrder) -> None:
        recording_event(self._state, name, RecordingBegan(order.session_id, order.started_at))

    @with_state_lock
    def _finishing(self, name: RecordingName) -> bool:
        if not isinstance(self.state_of(name), Recording):
            return False
        recording_event(self._state, name, RecordingStopped(self._clock.wall()))
        return True

    @with_state_lock
    def _forget(self, name: RecordingName) -> None:
        recording_event(self._state, name, RecordingClosed())
        self._files.pop(name, None)

    @with_state_lock
    def _detach(self, name: RecordingName) -> None:
        self._files.pop(name, None)

    @with_state_lock
    def _attach(self, name: RecordingName, file: RecordedFile) -> None:
        if name in self._state.recordings:  # it may have failed before `start` returned
            self._files[name] = file

    # ------------------------------------------------------------------------------------- start and stop

    def recover(self) -> None:
        """Finish what an earlier process left unfinished. Blocks, for as long as that takes."""
        for folder in self.room.folders():
            if folder.is_dir():
                self._writer.recover(folder, self._recovered)

    def close(self, timeout_s: float) -> None:
        """Finish what can be finished in that time; the next start does the rest. Blocks."""
        self.unfinished.close()
        self._writer.close(timeout_s)

    def _recovered(self, outcome: RecordingOutcome) -> None:
        _log_end(outcome, None)
        if isinstance(outcome, Incomplete):
            self.unfinished.leave(outcome)
        elif isinstance(outcome, Finished) and outcome.duration_s < self.config.now.shortest_s:
            with suppress(OSError):  # then it stays
                outcome.path.unlink(missing_ok=True)


def _log_of(session_id: SessionId | None) -> structlog.stdlib.BoundLogger:
    """Bound to the session by hand: this runs on threads of the writer's, maybe after the session."""
    return logger if session_id is None else logger.bind(session_id=session_id)


def _log_end(outcome: RecordingOutcome, session_id: SessionId | None) -> None:
    log, name = _log_of(session_id), outcome.path.stem
    match outcome:
        case (
            Finished(duration_s=duration_s, frames=frames) | Failed(kept=Finished(duration_s=duration_s, frames=frames))
        ):
            log.info("Recording saved", name=name, duration_s=round(duration_s, 1), frames=frames)
        case Discarded():
            log.info("Recording removed: it was too short, or had no frame", name=name)
        case Postponed():
            log.info("Recording will be finished at the next start", name=name)
        case Incomplete(fault=fault, sentence=sentence):
            log.warning("Recording is not finished yet", name=name, code=RECORDING_CODES[fault].value, reason=sentence)
        case Failed(fault=fault, sentence=sentence):
            log.warning("Recording was not saved", name=name, code=RECORDING_CODES[fault].value, reason=sentence)
        case _:
            assert_never(outcome)
