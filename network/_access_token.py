"""The access token: how a request presents it, and the cookie that replaces it in a browser."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Sequence

_BEARER: Final = re.compile(r"bearer +([^\s,]+)", re.IGNORECASE)
_COOKIE_PURPOSE: Final = b"terrarium browser session 1"
_COOKIE_LIFETIME_S: Final = 30 * 24 * 3600


class TokenCheck:
    """Checks tokens and cookies against one secret, in constant time."""

    def __init__(self, token: str, port: int) -> None:
        self._token = token.encode()
        # Browsers share cookies between the ports of a host, so each server on a machine needs a name of its own.
        self.cookie_name = f"terrarium_session_{port}"
        # Derived from the token, so that a leaked cookie does not reveal it.
        self._cookie = hmac.new(self._token, _COOKIE_PURPOSE, hashlib.sha256).hexdigest().encode("ascii")

    def matches(self, offered: str | None) -> bool:
        return offered is not None and hmac.compare_digest(offered.encode(errors="replace"), self._token)

    def in_cookies(self, cookie_headers: Sequence[str]) -> bool:
        """Whether one of the Cookie headers contains this server's cookie."""
        pairs = (pair.strip().partition("=") for header in cookie_headers for pair in header.split(";"))
        values = [value for name, _, value in pairs if name == self.cookie_name]
        return any(hmac.compare_digest(value.encode(errors="replace"), self._cookie) for value in values)

    def set_cookie(self, *, secure: bool) -> str:
        """A Set-Cookie value that scripts and other sites cannot use. `secure`: it is sent over HTTPS only."""
        parts = [
            f"{self.cookie_name}={self._cookie.decode()}",
            "Path=/",
            f"Max-Age={_COOKIE_LIFETIME_S}",
            "HttpOnly",
            "SameSite=Strict",
        ]
        return "; ".join([*parts, "Secure"] if secure else parts)


def bearer_token(authorization_headers: Sequence[str]) -> str | None:
    """The token of the `Authorization: Bearer` header. None: there is none, or there are several headers."""
    match = _BEARER.fullmatch(authorization_headers[0].strip()) if len(authorization_headers) == 1 else None
    return None if match is None else match[1]


def query_token(query: str) -> str | None:
    """The first `token` of a query string. A plus sign stays one, because tokens may contain it but no spaces."""
    return query_value(query, "token")


def query_value(query: str, wanted: str) -> str | None:
    """The first value of that name in a query string. A plus sign stays one."""
    for pair in query.split("&"):
        name, separator, value = pair.partition("=")
        if separator and name == wanted:
            return unquote(value)
    return None
