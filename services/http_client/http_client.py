"""The interface of HTTP clients: requests to servers that are not trusted, with bounds on time and size."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_REDIRECTS = 3


class HTTPFault(StrEnum):
    """Why a request got no answer."""

    UNREACHABLE = "unreachable"  # nothing listens at the address, or the connection broke
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    BAD_REDIRECT = "bad_redirect"  # to another server or scheme, or too many of them
    BROKEN = "broken"  # the answer is not valid HTTP, or is compressed although that was not requested


class HTTPClientError(RuntimeError):
    """A request got no answer. `str()` of it is a sentence that names no address and no key."""

    def __init__(self, fault: HTTPFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class HTTPRequestPayload:
    """`timeout_s` covers the whole request with redirects and body. `max_bytes` bounds the body of the answer."""

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
        """Send a request and return the answer, whatever its status. Cancelling closes the connection at once.

        At most `MAX_REDIRECTS` redirects are followed, and only to the same scheme, host and port. Otherwise the key
        could reach another server, or an answer could make this server read from its own network.

        Raises:
            HTTPClientError: no answer came within the bounds.
        """
        ...
