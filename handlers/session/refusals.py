"""How a refused request is told to the client: its ids, its warning, and whether the connection ends with it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from error_types import DomainError, ErrorCode
from wire_protocol import ErrorId, RpcError, WarningId, WarningMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def seed_warning(error: DomainError) -> WarningMessage | None:
    """The warning that goes with a bad seed; None for any other error."""
    warning = _SEED_WARNINGS.get(error.code)
    return None if warning is None else WarningMessage(message_id=warning, message=error.message, code=error.code)


def ends_connection(error: DomainError) -> bool:
    """Whether a first `init` that was refused so is the last thing on its connection."""
    return error.code in _FATAL_FOR_FIRST_INIT


def push_id(error: DomainError) -> ErrorId | None:
    """The id of the pushed error. A client shows its own text for an id and ours without one, so an id goes along only
    where the client's text says all there is to say."""
    return ErrorId.SERVER_BUSY if error.code is ErrorCode.MODEL_BUSY else None
