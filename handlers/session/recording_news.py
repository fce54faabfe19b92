"""What a client is told about its recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from services.video_writer.video_writer import Discarded, Failed, Finished, Postponed, RecordingOutcome
from wire_protocol import RecordingEvent, RecordingMessage

if TYPE_CHECKING:
    from error_types import DomainError


def started(name: str) -> RecordingMessage:
    return RecordingMessage(event=RecordingEvent.STARTED, name=name)


def refused(name: str, error: DomainError) -> RecordingMessage:
    """Nothing more is recorded. What there is of it is told of when its file is done."""
    return RecordingMessage(event=RecordingEvent.FAILED, name=name, message=error.message, code=error.code)


def redirected(error: DomainError) -> RecordingMessage:
    return RecordingMessage(event=RecordingEvent.REDIRECTED, message=error.message, code=error.code)


def outcome_news(outcome: RecordingOutcome) -> RecordingMessage | None:
    """None where nothing came of it that could be told."""
    name = outcome.path.stem
    match outcome:
        case Finished(duration_s=duration_s) | Failed(kept=Finished(duration_s=duration_s)):
            return RecordingMessage(event=RecordingEvent.SAVED, name=name, duration_s=duration_s)
        case Discarded():
            return RecordingMessage(event=RecordingEvent.REMOVED, name=name)
        case Postponed():
            return RecordingMessage(event=RecordingEvent.POSTPONED, name=name)
        case Failed():
            return None
        case _:
            assert_never(outcome)
