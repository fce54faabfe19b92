"""Bounds the bodies of requests while they arrive, before anybody parses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from structlog.contextvars import bind_contextvars

from error_answers import error_body
from error_types import HTTP_STATUS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from runtime_config.current import Current

_MIB: Final = 1024 * 1024
_FILES_AT_A_TIME: Final = 4  # of the largest size; uploads are far smaller as a rule
_BUSY: Final = "Too much is being uploaded to this server at the moment. Try again in a while."


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """The largest body of a request, in bytes, and how a larger one is refused: `what` begins the sentence."""

    most_bytes: int
    code: ErrorCode = ErrorCode.MESSAGE_TOO_LARGE
    what: str = "The body of the request"

    @property
    def message(self) -> str:
        return f"{self.what} is larger than {self.most_bytes // _MIB} MiB."


_USUAL: Final = BodyLimit(_MIB)  # no JSON that the server takes comes near it


class BodyLimitMiddleware:
    """Answers 413 and closes as soon as a body is known to be too large: when it says so, or when it has become so.

    `larger` has the limits of the paths that take more than the usual 1 MiB. What is being uploaded there takes the
    memory of a few of the largest files at most: beyond that, the upload that asks for more is answered 503. The
    application learns of a body that is refused as it does of a client that has left.
    """

    def __init__(self, app: ASGIApp, larger: Current[Mapping[str, BodyLimit]]) -> None:
        self.app = app
        self._larger = larger
        self._held_bytes = 0  # of uploads that are in progress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        larger = self._larger.now  # as they are when the request begins
        limit = larger.get(scope["path"], _USUAL)
        most_held_bytes = _FILES_AT_A_TIME * max((each.most_bytes for each in larger.values()), default=0)
        if _announced_bytes(scope) > limit.most_bytes:
            await _refuse(limit.code, limit.message, scope, receive, send)
            return
        received, is_refused, has_answered = 0, False, False

        async def receive_counted() -> Message:
            nonlocal received, is_refused
            message = await receive()
            received += len(message.get("body", b""))
            if limit is not _USUAL:
                self._held_bytes += len(message.get("body", b""))
            is_too_large = received > limit.most_bytes
            if not is_too_large and (limit is _USUAL or self._held_bytes <= most_held_bytes):
                return message
            if not (is_refused or has_answered):
                is_refused = True
                refusal = (limit.code, limit.message) if is_too_large else (ErrorCode.SERVER_BUSY, _BUSY)
                await _refuse(*refusal, scope, receive, send)
            return {"type": "http.disconnect"}

        async def send_unless_refused(message: Message) -> None:
            nonlocal has_answered
            if not is_refused:
                has_answered = True
                await send(message)

        try:
            await self.app(scope, receive_counted, send_unless_refused)
        finally:
            if limit is not _USUAL:
                self._held_bytes -= received


def _announced_bytes(scope: Scope) -> int:
    """The Content-Length; 0 without one, where the body has none or comes in chunks."""
    # The server has refused anything but one number of digits.
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)


async def _refuse(code: ErrorCode, message: str, scope: Scope, receive: Receive, send: Send) -> None:
    bind_contextvars(code=code.value)  # the access event of this request will contain it
    body = error_body(scope["path"], code, message)
    # The rest of the body is not wanted, so the connection cannot be used again.
    headers = {"Connection": "close", "Cache-Control": "no-store"}
    response = Response(body, HTTP_STATUS[code], headers, "application/json")
    await response(scope, receive, send)
