"""What a route may answer beside its plain success, as `/openapi.json` declares it: `responses=answers(...)`.

A route names the codes of the errors that it can end with; their statuses follow. What every route can answer (a
foreign Host, a missing token, a mistake of the server) is declared for the whole app.
"""

from __future__ import annotations

from collections import defaultdict
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from error_types import HTTP_STATUS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# FastAPI's own shape: by status.
Answers: TypeAlias = dict[int | str, dict[str, Any]]

ERROR_SCHEMA: Final = MappingProxyType({"$ref": "#/components/schemas/ErrorResponse"})
# What the middleware and the edge answer in place of any route, or a look at whose a thing is.
ANYWHERE: Final = (
    ErrorCode.HOST_INVALID,
    ErrorCode.INVALID_REQUEST,
    ErrorCode.HOST_FORBIDDEN,
    ErrorCode.ORIGIN_FORBIDDEN,
    ErrorCode.TOKEN_REQUIRED,
    ErrorCode.SIGN_IN_REQUIRED,
    ErrorCode.LOCAL_ONLY,
    ErrorCode.ROLE_NOT_ALLOWED,
    ErrorCode.SCOPE_MISSING,
    ErrorCode.ANONYMOUS_NOT_ALLOWED,
    ErrorCode.MESSAGE_TOO_LARGE,
    ErrorCode.CLIENT_TOO_SLOW,
    ErrorCode.INTERNAL,
    ErrorCode.SERVER_BUSY,
    ErrorCode.SERVICE_UNAVAILABLE,
    ErrorCode.ACCOUNTS_UNAVAILABLE,
    ErrorCode.OWNERS_UNAVAILABLE,
    ErrorCode.SHUTTING_DOWN,
)


def answers(*codes: ErrorCode) -> Answers:
    """The errors with these codes, each under its status, beside those that can come in their place anywhere."""
    wanted = {HTTP_STATUS[code] for code in codes}
    told: defaultdict[int, list[ErrorCode]] = defaultdict(list)
    for code in dict.fromkeys((*codes, *ANYWHERE)):
        if HTTP_STATUS[code] in wanted:
            told[HTTP_STATUS[code]].append(code)
    return {status: _error(status, named) for status, named in sorted(told.items())}


def answers_of_any_route() -> Answers:
    """For the app: what comes in place of any route's answer."""
    return answers(*ANYWHERE)


def also(status: int, description: str, model: type[Any] | None = None) -> Answers:
    """Another success than the usual one: with the same kind of body (`model`), or with none."""
    return {status: {"description": description} if model is None else {"description": description, "model": model}}


def picture(*media_types: str) -> Answers:
    """A picture that is named by the hash of its bytes, so that a client may say that it has it."""
    return {200: _body("The picture.", media_types), **_conditions()}


def stored_file(*media_types: str) -> Answers:
    """A file of the disk: whole, in ranges, or not at all where the client has it already (RFC 9110)."""
    ranges = {"multipart/byteranges": _bytes()}
    part = _body("The ranges that were asked for.", media_types)
    return {
        200: _body("The file.", media_types),
        206: {**part, "content": {**part["content"], **ranges}},
        416: _error(416, [ErrorCode.INVALID_REQUEST]),
        **_conditions(),
    }


def text(media_type: str) -> Answers:
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}}


def file_body(*media_types: str) -> dict[str, Any]:
    """For `openapi_extra=`: a request whose body is a file. What it is is read from the file, not from its header."""
    described = {
        media_type: {"schema": {"type": "string", "format": "binary", "contentMediaType": media_type}}
        for media_type in media_types
    }
    return {"requestBody": {"required": True, "content": described}}


def _body(description: str, media_types: Iterable[str]) -> dict[str, Any]:
    return {"description": description, "content": {media_type: _bytes() for media_type in media_types}}


def _bytes() -> dict[str, Any]:
    return {"schema": {"type": "string", "format": "binary"}}


def _conditions() -> Answers:
    return {
        304: {"description": "The client has it already."},
        412: _error(412, [ErrorCode.INVALID_REQUEST]),
    }


def _error(status: int, codes: Iterable[ErrorCode]) -> dict[str, Any]:
    named = ", ".join(f"`{code.value}`" for code in codes)
    content: Mapping[str, Any] = {"application/json": {"schema": dict(ERROR_SCHEMA)}}
    return {"description": f"{HTTPStatus(status).phrase}: {named}", "content": content}
