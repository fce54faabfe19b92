"""How a session ends: why, what its client is told, and the close frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from error_types import ErrorCode
from state.app_state_types import EndReason
from wire_protocol import ErrorId, ErrorMessage, ErrorSnapshot


@dataclass(frozen=True, slots=True)
class Ending:
    """`error` is sent before a close frame with `close_code` and `close_reason`."""

    reason: EndReason
    error: ErrorMessage | None = None
    close_code: int = 1000
    close_reason: str = ""


CLIENT_LEFT: Final = Ending(EndReason.CLIENT_LEFT)


def _ending(
    reason: EndReason,
    message: str,
    code: ErrorCode,
    *,
    message_id: ErrorId | None = None,
    snapshot: ErrorSnapshot | None = None,
    close_code: int = 1000,
) -> Ending:
    error = ErrorMessage(message_id=message_id, message=message, code=code, snapshot=snapshot)
    return Ending(reason, error, close_code, code.value)


def displaced() -> Ending:
    return _ending(
        EndReason.DISPLACED,
        "Somebody else took this place, as no world was started in it.",
        ErrorCode.DISPLACED,
        message_id=ErrorId.SERVER_BUSY,
    )


def shutting_down() -> Ending:
    return _ending(EndReason.SHUTDOWN, "The server is shutting down.", ErrorCode.SHUTTING_DOWN, close_code=1001)


def init_overdue(limit_s: float) -> Ending:
    return _ending(
        EndReason.INIT_TIMEOUT,
        f"No picture to start from came within {limit_s:.0f} s.",
        ErrorCode.INIT_TIMEOUT,
        message_id=ErrorId.TIMEOUT_WAITING_FOR_SEED,
    )


def init_refused(message: str, code: ErrorCode, message_id: ErrorId | None, snapshot: ErrorSnapshot) -> Ending:
    return _ending(EndReason.INIT_FAILED, message, code, message_id=message_id, snapshot=snapshot)


def engine_failed(snapshot: ErrorSnapshot) -> Ending:
    return _ending(
        EndReason.ENGINE_FAILED,
        "The world engine kept failing, and starting the world over did not help.",
        ErrorCode.ENGINE_FAILED,
        message_id=ErrorId.DEVICE_RECOVERY_FAILED,
        snapshot=snapshot,
    )


def client_too_slow() -> Ending:
    return _ending(
        EndReason.CLIENT_TOO_SLOW, "Too many answers wait unread.", ErrorCode.CLIENT_TOO_SLOW, close_code=1008
    )


def internal_error(snapshot: ErrorSnapshot) -> Ending:
    return _ending(
        EndReason.INTERNAL_ERROR,
        "The server made a mistake and had to end this session; its log has the details.",
        ErrorCode.INTERNAL,
        snapshot=snapshot,
        close_code=1011,
    )
