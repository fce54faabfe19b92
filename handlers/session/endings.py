"""How a session ends and how a request is refused: why, and what the client is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from error_types import DomainError, ErrorCode
from state.app_state_types import EndReason
from wire_protocol import ErrorId, ErrorMessage, ErrorSnapshot, RpcError, WarningId, WarningMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Ending:
    """`error` is sent before a close frame with `close_code` and `close_reason`.

    `keeps_world`: the player has not asked for the end, so the world waits for them.
    """

    reason: EndReason
    error: ErrorMessage | None = None
    close_code: int = 1000
    close_reason: str = ""
    keeps_world: bool = False

    @property
    def is_of_client(self) -> bool:
        """Whether the client is gone, so that it can be told nothing."""
        return self.reason in {EndReason.CLIENT_LEFT, EndReason.CONNECTION_LOST}


CLIENT_LEFT: Final = Ending(EndReason.CLIENT_LEFT)
CONNECTION_LOST: Final = Ending(EndReason.CONNECTION_LOST, keeps_world=True)
_MEANT: Final = frozenset({1000, 1005})  # closes of a client that leaves: as normal, or without any code


def of_close(code: int) -> Ending:
    """How a session ends whose socket closed with `code`. A page that is reloaded closes with 1001."""
    return CLIENT_LEFT if code in _MEANT else CONNECTION_LOST


def _ending(
    reason: EndReason,
    message: str,
    code: ErrorCode,
    *,
    message_id: ErrorId | None = None,
    snapshot: ErrorSnapshot | None = None,
    close_code: int = 1000,
    keeps_world: bool = False,
) -> Ending:
    error = ErrorMessage(message_id=message_id, message=message, code=code, snapshot=snapshot)
    return Ending(reason, error, close_code, code.value, keeps_world)


def displaced() -> Ending:
    return _ending(
        EndReason.DISPLACED,
        "Somebody else took this place, as no world was started in it.",
        ErrorCode.DISPLACED,
        message_id=ErrorId.SERVER_BUSY,
    )


def place_held_idle(idle_s: float) -> Ending:
    return _ending(
        EndReason.DISPLACED,
        f"Somebody else took this place, as nobody had played in it for {_duration(idle_s)}.",
        ErrorCode.DISPLACED,
        message_id=ErrorId.SERVER_BUSY,
    )


def resumed_elsewhere() -> Ending:
    return _ending(
        EndReason.RESUMED_ELSEWHERE,
        "This world is played on over another connection.",
        ErrorCode.RESUMED_ELSEWHERE,
        keeps_world=True,
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def shutting_down() -> Ending:
    return _ending(EndReason.SHUTDOWN, "The server is shutting down.", ErrorCode.SHUTTING_DOWN, close_code=1001)


def signed_out() -> Ending:
    return _ending(
        EndReason.SIGNED_OUT,
        "You have been signed out, or may do something else now. Sign in again to go on.",
        ErrorCode.SIGN_IN_REQUIRED,
        close_code=1008,
    )


def init_overdue(limit_s: float) -> Ending:
    return _ending(
        EndReason.INIT_TIMEOUT,
        f"No picture to start from came within {limit_s:.0f} s.",
        ErrorCode.INIT_TIMEOUT,
        message_id=ErrorId.TIMEOUT_WAITING_FOR_SEED,
    )


def init_refused(message: str, code: ErrorCode, message_id: ErrorId | None, snapshot: ErrorSnapshot) -> Ending:
    return _ending(EndReason.INIT_FAILED, message, code, message_id=message_id, snapshot=snapshot)


def encoder_failed(snapshot: ErrorSnapshot) -> Ending:
    return _ending(
        EndReason.ENCODER_FAILED,
        "The server could not encode its pictures any more; its log has the details.",
        ErrorCode.INTERNAL,
        snapshot=snapshot,
        close_code=1011,
    )


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


class SessionEnd:
    """The end of one session, for every part of it to bring about and for the session to wait for.

    It knows nothing of the session, so that the parts that hold it do not keep an ended session in memory.
    """

    def __init__(self, on_end: Callable[[EndReason], None]) -> None:
        self._on_end = on_end
        self._begun = asyncio.Event()
        self._ending: Ending | None = None

    @property
    def has_begun(self) -> bool:
        return self._ending is not None

    @property
    def ending(self) -> Ending:
        return self._ending or CLIENT_LEFT

    def begin(self, ending: Ending) -> None:
        """The first reason counts."""
        if self._ending is None:
            self._ending = ending
            self._on_end(ending.reason)
            self._begun.set()

    async def wait(self) -> None:
        await self._begun.wait()


class InitDeadline:
    """A client without a world must send an `init` in time; nothing else extends it."""

    def __init__(self, limit_s: float, end: SessionEnd) -> None:
        self._limit_s = limit_s
        self._end = end
        self._timer: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        self.disarm()
        end, limit_s = self._end, self._limit_s
        self._timer = asyncio.get_running_loop().call_later(limit_s, lambda: end.begin(init_overdue(limit_s)))

    def disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


# --------------------------------------------------------------------------------------- refused requests

# A stock client shows its own text for an id, and our sentence without one. So a code has an id only where the client's
# text says all there is to say: why a scene was refused, or what authoring lacks here, is said by our sentence alone.
_ERROR_IDS: Final[Mapping[ErrorCode, ErrorId]] = MappingProxyType(
    {
        ErrorCode.MODEL_BUSY: ErrorId.SERVER_BUSY,
        ErrorCode.UNSUPPORTED_QUANT: ErrorId.QUANT_UNSUPPORTED_GPU,
        ErrorCode.NOT_READY: ErrorId.INIT_FAILED,
        ErrorCode.AUTHORING_EMPTY_PROMPT: ErrorId.AUTHORING_EMPTY_PROMPT,
        ErrorCode.AUTHORING_IN_PROGRESS: ErrorId.AUTHORING_ALREADY_IN_PROGRESS,
        ErrorCode.AUTHORING_LOAD_FAILED: ErrorId.AUTHORING_MODEL_LOAD_FAILED,
    }
)

_SEED_WARNINGS: Final[Mapping[ErrorCode, WarningId]] = MappingProxyType(
    {
        ErrorCode.SEED_MISSING: WarningId.MISSING_SEED_DATA,
        ErrorCode.SEED_UNKNOWN: WarningId.MISSING_SEED_DATA,
        ErrorCode.SEED_EMPTY: WarningId.MISSING_SEED_DATA,
        ErrorCode.SEED_NOT_BASE64: WarningId.INVALID_SEED_DATA,
        ErrorCode.SEED_NOT_A_PICTURE: WarningId.INVALID_SEED_DATA,
        ErrorCode.SEED_TOO_LARGE: WarningId.SEED_LOAD_FAILED,
        ErrorCode.SEED_UNSAFE: WarningId.SEED_UNSAFE,
        ErrorCode.SEED_CHECK_FAILED: WarningId.SEED_SAFETY_CHECK_FAILED,
    }
)

# A first `init` that fails so leaves nothing to do on this connection: the client must choose something else.
_FATAL_FOR_FIRST_INIT: Final = frozenset(
    {
        ErrorCode.UNKNOWN_MODEL,
        ErrorCode.MODEL_NOT_PULLED,
        ErrorCode.UNSUPPORTED_QUANT,
        ErrorCode.UNSUPPORTED_BACKEND,
        ErrorCode.MODEL_LOAD_FAILED,
        ErrorCode.MODEL_BUSY,
        ErrorCode.ENGINE_FAILED,
        ErrorCode.INTERNAL,
    }
)


def request_error(req_id: str, error: DomainError, *, of_init: bool = False) -> RpcError:
    """The answer to a refused request. An `init` always has an id, as stock clients expect."""
    error_id = _ERROR_IDS.get(error.code)
    if error_id is None:
        error_id = ErrorId.INIT_FAILED if of_init else _SEED_WARNINGS.get(error.code)
    return RpcError(req_id=req_id, error_id=error_id, error=error.message, code=error.code)


def request_cancelled(req_id: str) -> RpcError:
    return request_error(req_id, DomainError("The request was cancelled.", ErrorCode.CANCELLED))


def seed_warning(error: DomainError) -> WarningMessage | None:
    """The warning that goes with a bad seed; None for any other error."""
    warning = _SEED_WARNINGS.get(error.code)
    return None if warning is None else WarningMessage(message_id=warning, message=error.message, code=error.code)


def ends_connection(error: DomainError, *, extended: bool) -> bool:
    """Whether a first `init` that was refused so is the last thing on its connection.

    Only an `extended` client sends another one. What was cancelled was not refused.
    """
    if error.code is ErrorCode.CANCELLED:
        return False
    return not extended or error.code in _FATAL_FOR_FIRST_INIT


def push_id(error: DomainError) -> ErrorId | None:
    """The id of the pushed error. A client shows its own text for an id and ours without one, so an id goes along only
    where the client's text says all there is to say."""
    return ErrorId.SERVER_BUSY if error.code is ErrorCode.MODEL_BUSY else None
