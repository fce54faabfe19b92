"""Recordings whose file could not be finished: they wait for room, or for somebody who asks, and are tried again."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from error_types import DomainError, ErrorCode
from handlers.base import StateHandler, with_state_lock
from handlers.service_errors import RECORDING_CODES, service_errors_translated
from services.recording_store.recording_notes import read_notes
from services.video_writer.video_writer import Incomplete, Postponed, RecordingFault, RecordingOutcome
from state.app_state_types import Finishing, RecordingName, Unfinished
from state.events import RecordingClosed, RecordingLeft, RecordingRetried
from state.transitions import recording_event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from threading import RLock

    from services.clock.clock import Clock
    from services.task_runner.task_runner import TaskRunner
    from services.video_writer.video_writer import VideoWriter
    from state.app_state_types import AppState

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

# Reasons that pass by themselves. The others are tried again when somebody asks, and at the next start.
_PASSING: Final = frozenset({RecordingFault.DISK_FULL, RecordingFault.FOLDER_GONE, RecordingFault.NOT_WRITABLE})


@dataclass(frozen=True, slots=True)
class LeftRecording:
    """One that was left. `video` shows what was recorded; None: nothing was encoded."""

    name: RecordingName
    state: Unfinished | Finishing
    duration_s: float
    video: Path | None


@dataclass(frozen=True, slots=True)
class _Left:
    outcome: Incomplete
    video: Path | None


class UnfinishedRecordings(StateHandler):
    """While any wait for a reason that may pass, a task tries them again every `retry_s` seconds."""

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        writer: VideoWriter,
        task_runner: TaskRunner,
        clock: Clock,
        retry_s: float,
        log_end: Callable[[RecordingOutcome], None],
    ) -> None:
        super().__init__(state, lock)
        self._writer = writer
        self._task_runner = task_runner
        self._clock = clock
        self._retry_s = retry_s
        self._log_end = log_end
        self._left: dict[RecordingName, _Left] = {}
        self._is_trying = False
        self._closing = threading.Event()

    def leave(self, outcome: Incomplete) -> None:
        """Keep it in mind. Blocks; on any thread."""
        left = _Left(outcome, self._writer.incomplete_video(outcome.path))
        if self._note(left) and not self._closing.is_set():
            self._task_runner.submit("finish recordings", self._try_until_done)

    @with_state_lock
    def listed(self) -> tuple[LeftRecording, ...]:
        return tuple(
            LeftRecording(name, state, left.outcome.duration_s, left.video)
            for name, left in self._left.items()
            if isinstance(state := self._state.recordings.get(name), Unfinished | Finishing)
        )

    @with_state_lock
    def video(self, name: RecordingName) -> Path | None:
        """What can be watched of it; None for an unknown name too."""
        left = self._left.get(name)
        return None if left is None else left.video

    def finish(self, name: RecordingName) -> None:
        """Try it now, beside the caller.

        Raises:
            DomainError: none of that name waits.
        """
        self._require(name)
        self._task_runner.submit("finish a recording", lambda: self._try(name))

    def abandon(self, name: RecordingName) -> None:
        """Remove what was recorded. Blocks.

        Raises:
            DomainError: none of that name waits, or it cannot be removed.
        """
        self._require(name)
        path = self._begin(name)
        if path is None:
            raise _busy()
        try:
            with service_errors_translated():
                self._writer.abandon(path)
        except BaseException:  # whatever happened, it waits as before
            self._give_back(name)
            raise
        self._forget(name)

    def close(self) -> None:
        """Try no more. What waits is finished by the next start."""
        self._closing.set()

    # ------------------------------------------------------------------------------------------ trying again

    def _try_until_done(self) -> None:
        while names := self._waiting():
            if self._closing.wait(self._retry_s):
                return
            for name in names:
                self._try(name)

    def _try(self, name: RecordingName) -> None:
        path = self._begin(name)
        if path is None:
            return  # another thread has it
        outcomes: list[RecordingOutcome] = []
        try:
            self._writer.complete(path, outcomes.append)
        except BaseException:  # whatever happened, it waits as before
            self._give_back(name)
            raise
        match outcomes:
            case [Incomplete() as outcome]:
                self._note(_Left(outcome, self._writer.incomplete_video(path)))
            case [] | [Postponed()]:  # the writer is closed
                self._give_back(name)
            case _:
                self._log_end(outcomes[0])
                self._forget(name)

    @with_state_lock
    def _note(self, left: _Left) -> bool:
        """Whether to begin trying."""
        name, outcome = left.outcome.path.stem, left.outcome
        if isinstance(self._state.recordings.get(name), Unfinished):
            logger.warning("Two unfinished recordings have the same name; one waits for the next start", name=name)
            return False
        self._left[name] = left
        recording_event(self._state, name, self._event(outcome))
        begins = outcome.fault in _PASSING and not self._is_trying
        self._is_trying = self._is_trying or begins
        return begins

    def _event(self, outcome: Incomplete) -> RecordingLeft:
        notes = None if outcome.metadata is None else read_notes(outcome.metadata.comment)
        began = self._clock.wall() if notes is None or notes.started_at is None else notes.started_at
        return RecordingLeft(began, RECORDING_CODES[outcome.fault], outcome.sentence)

    @with_state_lock
    def _waiting(self) -> tuple[RecordingName, ...]:
        """Those to be tried again by themselves; with none, trying ends."""
        names = tuple(name for name, left in self._left.items() if left.outcome.fault in _PASSING)
        self._is_trying = bool(names)
        return names

    @with_state_lock
    def _begin(self, name: RecordingName) -> Path | None:
        if not isinstance(self._state.recordings.get(name), Unfinished):
            return None
        recording_event(self._state, name, RecordingRetried(self._clock.wall()))
        return self._left[name].outcome.path

    @with_state_lock
    def _give_back(self, name: RecordingName) -> None:
        recording_event(self._state, name, self._event(self._left[name].outcome))

    @with_state_lock
    def _forget(self, name: RecordingName) -> None:
        del self._left[name]
        recording_event(self._state, name, RecordingClosed())

    @with_state_lock
    def _require(self, name: RecordingName) -> None:
        if name not in self._left:
            raise DomainError("There is no such unfinished recording.", ErrorCode.RECORDING_UNKNOWN)
        if not isinstance(self._state.recordings.get(name), Unfinished):
            raise _busy()


def _busy() -> DomainError:
    return DomainError("The recording is being finished now.", ErrorCode.RECORDING_IN_USE)
