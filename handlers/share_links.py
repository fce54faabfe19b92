"""Links by which a session may be watched: signed, so that nobody can make one up, and with the time of their end.

The key is that of the server's run, and lives as long as sessions do. Whether a link was withdrawn is the session's to
know.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from services.clock.clock import Clock
    from state.app_state_types import SessionId

_BODY: Final = struct.Struct(">4s8sI")  # the session, the link, and the second since the Unix epoch in which it ends
_SIGNATURE_BYTES: Final = 16
_LONGEST: Final = 128  # characters that are looked at


@dataclass(frozen=True, slots=True)
class LinkName:
    """What a link is for. `key` is drawn anew whenever a session begins to share."""

    session_id: SessionId
    key: bytes


class ShareLinks:
    """Those of one server, with its `key`."""

    def __init__(self, clock: Clock, key: bytes) -> None:
        self._clock = clock
        self._secret = key

    def name(self, session_id: SessionId) -> LinkName:
        """A name that no link has had yet."""
        return LinkName(session_id, secrets.token_bytes(8))

    def write(self, name: LinkName, expires_at: float) -> str:
        """`expires_at` is in seconds since the Unix epoch."""
        body = _BODY.pack(bytes.fromhex(name.session_id), name.key, int(expires_at))
        return base64.urlsafe_b64encode(body + self._signed(body)).decode().rstrip("=")

    def read(self, link: str) -> LinkName | None:
        """None: it was not written with this key, or its time is over."""
        if len(link) > _LONGEST:
            return None
        try:
            data = base64.b64decode(f"{link}=".encode(errors="replace"), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None
        body, signature = data[: _BODY.size], data[_BODY.size :]
        if len(body) != _BODY.size or not hmac.compare_digest(signature, self._signed(body)):
            return None
        session, key, ends_at = _BODY.unpack(body)
        return None if self._clock.wall() >= ends_at else LinkName(session.hex(), key)

    def _signed(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, hashlib.sha256)[:_SIGNATURE_BYTES]
