"""Recordings in the making: begun, ended, and finished beside everything else."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import structlog

from error_types import DomainError
from handlers.base import StateHandler, with_state_lock
from handlers.recording_room import RecordingRoom
from handlers.service_errors import RECORDING_CODES
from services.recording_store.file_names import SUFFIX, new_name
from services.video_writer.video_writer import (
    Discarded,
    Failed,
    Finished,
    Postponed,
    RecordingFault,
    RecordingOutcome,
    RecordingPlan,
    RecordingProgress,
)
from state.app_state_types import Finishing, NotRecording, Recording, RecordingName, RecordingState, SessionId
from state.transitions import RECORDING_TRANSITIONS, check_transition

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from threading import RLock

    from runtime_config.runtime_config import RecordingConfig
    from services.clock.clock import Clock
    from services.recording_store.recording_store import RecordingStore
    from services.video_writer.video_writer import Recording as RecordingFile
    from services.video_writer.video_writer import VideoWriter
    from state.app_state_types import AppState

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SegmentOrder:
    """What a session wants recorded: from here to its next pause, reset or change of world.

    `number` counts the segments of the session from 1. `folder` is None for the server's own.
    """

    session_id: SessionId
    number: int
    started_at: float  # seconds since the Unix epoch
    began: float  # the same moment on the monotonic clock
    plan: RecordingPlan
    folder: Path | None


@dataclass(frozen=True, slots=True)
class Segment:
    """One file on its way. `began` is a monotonic time, as all those that its file is told."""

    name: RecordingName
    order: SegmentOrder
    file: RecordingFile


@dataclass(frozen=True, slots=True)
class ActiveRecording:
    """One that has no finished file yet. `state` is `Recording` or `Finishing`."""

    name: RecordingName
    state: RecordingState
    progress: RecordingProgress


class RecorderHandler(StateHandler):
    """Nothing here waits for an encoder: files end on the writer's own threads, which call back."""

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        writer: VideoWriter,
        store: RecordingStore,
        clock: Clock,
        config: RecordingConfig,
    ) -> None:
        super().__init__(state, lock)
        self._writer = writer
        self._store = store
        self._clock = clock
        self.config = config
        self.room = RecordingRoom(store, config)
        self._files: dict[RecordingName, RecordingFile] = {}

    # --------------------------------------------------------------------------------- segments of sessions

    def begin(
        self,
        order: SegmentOrder,
        on_fault: Callable[[RecordingName, DomainError], None],
        on_end: Callable[[RecordingOutcome], None],
    ) -> Segment:
        """Begin a file. `on_fault` is called at most once, when nothing more is recorded; `on_end` once, after it, when
        the file is done. Both are called on threads of the writer's."""
        name = new_name(order.started_at, order.session_id, order.number)
        self._change(name, Recording(order.session_id, order.started_at))

        def failed(fault: RecordingFault, sentence: str) -> None:
            self._finishing(name)
            error = DomainError(sentence, RECORDING_CODES[fault])
            _log_of(order.session_id).warning(
                "Recording stopped", name=name, code=error.code.value, reason=error.message
            )
            on_fault(name, error)

        def ended(outcome: RecordingOutcome) -> None:
            self._forget(name)
            _log_end(outcome, order.session_id)
            on_end(outcome)

        path = (order.folder or self._store.folder) / f"{name}{SUFFIX}"
        file = self._writer.start(path, order.plan, ended, failed)
        self._attach(name, file)
        return Segment(name, order, file)

    def end(self, segment: Segment, *, keep_short: bool) -> None:
        """No more passes come; the file is finished beside play, or removed when it is too short."""
        if not self._finishing(segment.name):
            return  # it failed
        now = self._clock.monotonic()
        if now - segment.order.began < self.config.shortest_s and not keep_short:
            segment.file.discard()
        else:
            segment.file.finish(ended_at=now)

    @with_state_lock
    def state_of(self, name: RecordingName) -> RecordingState:
        return self._state.recordings.get(name, NotRecording())

    def active(self) -> tuple[ActiveRecording, ...]:
        """All that have no finished file yet, oldest first."""
        return tuple(ActiveRecording(name, state, file.progress()) for name, state, file in self._listed())

    @with_state_lock
    def _listed(self) -> list[tuple[RecordingName, RecordingState, RecordingFile]]:
        return [
            (name, state, self._files[name]) for name, state in self._state.recordings.items() if name in self._files
        ]

    @with_state_lock
    def _change(self, name: RecordingName, after: RecordingState) -> None:
        check_transition(RECORDING_TRANSITIONS, self.state_of(name), after)
        self._state.recordings[name] = after

    @with_state_lock
    def _finishing(self, name: RecordingName) -> bool:
        before = self.state_of(name)
        if not isinstance(before, Recording):
            return False
        self._change(name, Finishing(before.session_id, before.since, self._clock.wall()))
        return True

    @with_state_lock
    def _forget(self, name: RecordingName) -> None:
        check_transition(RECORDING_TRANSITIONS, self.state_of(name), NotRecording())
        del self._state.recordings[name]
        self._files.pop(name, None)

    @with_state_lock
    def _attach(self, name: RecordingName, file: RecordingFile) -> None:
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
        self._writer.close(timeout_s)

    def _recovered(self, outcome: RecordingOutcome) -> None:
        _log_end(outcome, None)
        if isinstance(outcome, Finished) and outcome.duration_s < self.config.shortest_s:
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
        case Failed(fault=fault, sentence=sentence):
            log.warning("Recording was not saved", name=name, code=RECORDING_CODES[fault].value, reason=sentence)
        case _:
            assert_never(outcome)
