"""The body of an answer that is no success: in our own shape, or in OpenAI's below /v1, where their clients ask."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from api_types import ApiModel, ErrorResponse
from error_types import HTTP_STATUS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

OpenAiErrorType: TypeAlias = Literal[
    "authentication_error", "permission_error", "rate_limit_error", "invalid_request_error", "server_error"
]

_TYPES: Final[Mapping[int, OpenAiErrorType]] = MappingProxyType(
    {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
)
# Which part of a request is meant, where the code says it.
_PARAMS: Final[Mapping[ErrorCode, str]] = MappingProxyType(
    {
        ErrorCode.UNKNOWN_MODEL: "model",
        ErrorCode.MODEL_NOT_PULLED: "model",
        ErrorCode.FILM_UNKNOWN: "video_id",
        **dict.fromkeys(
            (
                ErrorCode.SEED_EMPTY,
                ErrorCode.SEED_NOT_BASE64,
                ErrorCode.SEED_NOT_A_PICTURE,
                ErrorCode.SEED_TOO_LARGE,
                ErrorCode.SEED_UNSAFE,
            ),
            "input_reference",
        ),
    }
)


class OpenAiError(ApiModel):
    """`param` is the part of the request that is meant, null where it is none or not known which."""

    message: str
    type: OpenAiErrorType
    param: str | None
    code: ErrorCode


class OpenAiErrorResponse(ApiModel):
    """The body of every answer below /v1 that is not a success."""

    error: OpenAiError


def is_openai(path: str) -> bool:
    """Whether OpenAI's clients ask there. Repeated slashes at the beginning count as one, as they do for routes."""
    return f"{path}/".lstrip("/").startswith("v1/")


def error_body(path: str, code: ErrorCode, message: str, *, param: str | None = None) -> str:
    """JSON for whoever asked for `path`."""
    if not is_openai(path):
        return ErrorResponse(code=code, message=message).model_dump_json()
    error = OpenAiError(message=message, type=_type_of(HTTP_STATUS[code]), param=param or _PARAMS.get(code), code=code)
    return OpenAiErrorResponse(error=error).model_dump_json()


def _type_of(status: int) -> OpenAiErrorType:
    return "server_error" if status >= 500 else _TYPES.get(status, "invalid_request_error")
