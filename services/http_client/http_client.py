"""What an HTTP client is: one request to a server that is not trusted, answered within bounds or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_REDIRECTS = 3


class HTTPFault(StrEnum):
    """Why there is no answer."""

    UNREACHABLE = "unreachable"  # nothing listens there, or the connection broke
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    BAD_REDIRECT = "bad_redirect"  # to another server or scheme, or in circles
    BROKEN = "broken"  # what came is no HTTP, or encoded in a way that was not asked for


class HTTPClientError(RuntimeError):
    """A request without an answer. `str()` of it is a sentence that names no address and no key."""

    def __init__(self, fault: HTTPFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class HTTPRequestPayload:
    """`timeout_s` is for all of it, redirects and body included; `max_bytes` bounds the answer's body."""

    method: Literal["GET", "POST"]
    url: str
    timeout_s: float
    max_bytes: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)  # they may hold a key
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HTTPResponsePayload:
    status: int
    body: bytes = field(repr=False)


class HTTPClient(Protocol):
    async def send(self, request: HTTPRequestPayload) -> HTTPResponsePayload:
        """The answer, whatever its status. Cancelling drops the connection at once.

        Redirects are followed, `MAX_REDIRECTS` at most, to the same scheme, host and port alone: a key that goes along
        must not reach anybody else, and an answer must not make this server read what lies in its own network.

        Raises:
            HTTPClientError: there is no answer within the bounds.
        """
        ...
